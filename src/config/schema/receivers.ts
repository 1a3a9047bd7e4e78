import { z } from "zod";
import { TOPICS } from "../../core/plan/receiver.ts";
import { knowing } from "./about.ts";
import { NOT_BUILT_NOTIFY_KEYS } from "./not-built.ts";
import { duration, name, oneOrMore, text, yesOrNo } from "./values.ts";

/** The topics of what lasts: for these somebody can be called. */
export const ALERT_TOPICS = ["warning", "held", "needs-person", "rolled-back", "failed"] as const;

const url = knowing(z.string().regex(/^(https?:\/\/\S+|\$\{[A-Za-z_][A-Za-z0-9_]*\}\S*)$/), {
  noun: "an http or https address",
  like: "${CHAT_WEBHOOK}",
});

/** I8: the plan travels in the journal, so that it holds the name of a secret and never the secret. */
const secret = (like: string) =>
  knowing(z.string().regex(/^\$\{[A-Z_][A-Z0-9_]*\}$/), { noun: "a reference to the environment", like });

const signed = z.strictObject({
  url: url.describe("Where it is POSTed."),
  secret: secret("${HOOK_SECRET}").optional().describe("What it is signed with: `whsec_…`, as `${NAME}`."),
});

const webhook = knowing(
  z.union([
    url,
    z.array(z.union([url, signed])).min(1),
    z.record(name("the name of a webhook", "ops"), z.union([url, signed])),
  ]),
  { noun: "an address, `{ url, secret }`, a list of them, or names and theirs" },
);

const slack = knowing(
  z.union([
    url,
    z.strictObject({
      token: secret("${SLACK_TOKEN}").describe("Token of a bot with the scope `chat:write`, as `${NAME}`."),
      channel: text("a channel", "#releases").describe("Channel to which the bot was invited."),
      api: url.prefault("https://slack.com/api").describe("Where Slack's API is."),
    }),
  ]),
  { noun: "the address of an incoming webhook, or an object", like: "${SLACK_URL}" },
);

const address = text("a mail address", "team@example.com");

const email = knowing(
  z.strictObject({
    to: oneOrMore(address).describe("Who gets it: an address, or a list of them."),
    smtp: knowing(z.string().regex(/^(smtps?:\/\/\S+|\$\{[A-Z_][A-Z0-9_]*\}\S*)$/), {
      noun: "the address of a mail server",
      like: "${SMTP_URL}",
    }).describe(
      "Where mail is handed in: `smtp://user:password@host:587`, which begins TLS itself, or `smtps://`. With a password it is a secret: `${NAME}`.",
    ),
    from: knowing(address.optional(), { default: "the server's user, or `tidegate@` this machine" }).describe(
      "The sender's address.",
    ),
  }),
  { noun: "an object with `to` and `smtp`", like: '{ to: team@example.com, smtp: "${SMTP_URL}" }' },
);

const pagerduty = knowing(
  z.union([
    secret("${PD_KEY}"),
    z.strictObject({
      key: secret("${PD_KEY}").describe("Integration key of the service (Events API v2), as `${NAME}`."),
      token: secret("${PD_TOKEN}")
        .optional()
        .describe("Token of the REST API, to hear of acknowledgements there. Without it: `tidegate ack`."),
      url: url
        .prefault("https://events.pagerduty.com")
        .describe("Where events go: `https://events.eu.pagerduty.com` in the EU."),
      api: url
        .prefault("https://api.pagerduty.com")
        .describe("The REST API: `https://api.eu.pagerduty.com` in the EU."),
    }),
  ]),
  { noun: "a reference to the environment, or an object", like: "${PD_KEY}" },
);

const labelName = knowing(z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*$/), {
  noun: "the name of a label: letters, digits and `_`",
  like: "team",
});

const alertmanager = knowing(
  z.union([
    url,
    z.strictObject({
      url: url.describe("Address of Alertmanager, without `/api/v2`."),
      labels: knowing(z.record(labelName, text("its value", "shop")), {
        noun: "names of labels and their values",
        like: "{ team: shop }",
      })
        .prefault({})
        .describe("Labels of each alert, for your routes."),
    }),
  ]),
  { noun: "an address, or an object", like: "http://127.0.0.1:9093" },
);

const receivers = {
  slack: slack
    .optional()
    .describe("A channel of Slack: an incoming webhook, or a bot, which puts what comes later into a thread."),
  email: email.optional().describe("Mail."),
  webhook: webhook
    .optional()
    .describe(
      "Where messages are POSTed as JSON: an address, a list, or several under their names. With a `secret` they are signed as Standard Webhooks says.",
    ),
  pagerduty: pagerduty.optional().describe("PagerDuty: change events under `notify`, alerts under `page`."),
  alertmanager: alertmanager.optional().describe("Alerts for as long as something lasts."),
};

const topics = knowing(z.union([z.enum([...TOPICS, "all"]), z.array(z.enum(TOPICS))]), {
  noun: `\`all\`, a topic, or a list of them: ${TOPICS.join(", ")}`,
  like: "[rolled-back, failed]",
});

const receiverNameKey = name("a short name of small letters, digits and `-`", "database");

const entry = knowing(
  z.strictObject({
    terminal: knowing(yesOrNo().optional(), { default: "`true`" }).describe(
      "Write messages to the terminal (or log) of the engine too.",
    ),
    ...receivers,
    on: topics
      .optional()
      .describe(
        "Topics that the receivers beside it hear of; `[]`: only of what names them. By default Slack and mail hear of all but `phase`, PagerDuty of `started`, `live` and `rolled-back`, Alertmanager of what lasts, the rest of all.",
      ),
    name: receiverNameKey
      .optional()
      .describe("What the receiver is called in `to`; by default as its key, and `-2` and so on behind the second."),
  }),
  {
    noun: "an object with receivers",
    notBuilt: NOT_BUILT_NOTIFY_KEYS,
    section: {
      title: "Notify",
      intro:
        "Who is told what happens: start, phases, warnings, holds, approvals that are due, live, rollback, end. One object, or a list of them where receivers hear of different things. Each receiver is told by itself, and nobody who does not answer holds a release or a rollback up. What is secret is written as `${NAME}`. [notifications.md](notifications.md) says what each of them gets.",
      example: `notify:
  - slack: "\${SLACK_URL}"
  - email: { to: [team@example.com], smtp: "\${SMTP_URL}" }
    on: [rolled-back, failed]
  - webhook: { url: "\${CHAT_WEBHOOK}", secret: "\${HOOK_SECRET}" }
    name: database
    on: []`,
    },
  },
);

export const notify = knowing(z.union([entry, z.array(entry).min(1)]), {
  noun: "an object with receivers, or a list of them",
  like: '{ slack: "${SLACK_URL}" }',
});

export const page = knowing(
  z.strictObject({
    ...receivers,
    name: receiverNameKey.optional().describe("What the receiver is called."),
    on: knowing(oneOrMore(z.enum(ALERT_TOPICS)).optional(), { default: "`[needs-person, failed]`" }).describe(
      "What somebody is called for: `needs-person`, `failed`, `rolled-back` (by Tidegate itself), `held`, `warning`.",
    ),
    ack: knowing(duration.optional(), { default: "`5m` with `else`" }).describe(
      "How long there is time to acknowledge, by `tidegate ack` or there, before somebody else is called.",
    ),
    else: knowing(z.strictObject({ ...receivers, name: receiverNameKey.optional().describe("What it is called.") }), {
      noun: "an object with receivers",
    })
      .optional()
      .describe("Who is called then; by default those under `notify` who hear of it."),
  }),
  {
    noun: "an object with receivers",
    notBuilt: NOT_BUILT_NOTIFY_KEYS,
    section: {
      title: "Page",
      intro:
        "Who is called when a person is needed now. What the plan itself waits for, an approval or a checklist, calls nobody.",
      example: `page:
  pagerduty: "\${PD_KEY}"
  ack: 5m
  else: { slack: "\${SLACK_URL}" }`,
    },
  },
);
