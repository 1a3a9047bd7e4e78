import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { NotifyTarget, Paging } from "../../src/core/plan/receiver.ts";
import { load, mistakes, planOf, planWith, tells } from "./loading.ts";

const env = {
  SLACK_URL: "x",
  SLACK_TOKEN: "x",
  SMTP_URL: "x",
  PD_KEY: "x",
  PD_TOKEN: "x",
  HOOK: "x",
  HOOK_SECRET: "x",
};

async function receivers(written: string): Promise<readonly NotifyTarget[]> {
  return (await planOf(written, { env })).notify.filter(({ kind }) => kind !== "terminal");
}

async function paging(written: string): Promise<Paging | undefined> {
  return (await planOf(written, { env })).page;
}

describe("who is told, in a plan", () => {
  it("is one object with receivers, each heard by what it is for", async () => {
    const all = await receivers(`
      notify:
        slack: "\${SLACK_URL}"
        email: { to: team@example.com, smtp: "\${SMTP_URL}" }
        webhook: { url: "\${HOOK}", secret: "\${HOOK_SECRET}" }
        pagerduty: "\${PD_KEY}"
        alertmanager: http://127.0.0.1:9093
    `);
    const forPeople = [
      "started",
      "warning",
      "held",
      "needs-person",
      "live",
      "rolled-back",
      "failed",
      "closed",
      "announcement",
    ];
    assert.deepEqual(all, [
      { kind: "slack", name: "slack", to: { kind: "webhook", url: "${SLACK_URL}" }, on: forPeople },
      { kind: "email", name: "email", to: ["team@example.com"], smtp: "${SMTP_URL}", on: forPeople },
      { kind: "webhook", name: "webhook", url: "${HOOK}", secret: "${HOOK_SECRET}" },
      {
        kind: "pagerduty",
        name: "pagerduty",
        key: "${PD_KEY}",
        url: "https://events.pagerduty.com",
        api: "https://api.pagerduty.com",
        on: ["started", "live", "rolled-back"],
      },
      {
        kind: "alertmanager",
        name: "alertmanager",
        url: "http://127.0.0.1:9093",
        labels: {},
        on: ["warning", "held", "needs-person", "rolled-back", "failed"],
      },
    ]);
  });

  it("may be a list, where receivers hear of different things", async () => {
    const all = await receivers(`
      notify:
        - { slack: { token: "\${SLACK_TOKEN}", channel: "#releases" }, on: all }
        - { slack: "\${SLACK_URL}", on: rolled-back }
        - { slack: "\${SLACK_URL}", name: database, on: [] }
        - { webhook: { ops: "\${HOOK}", audit: { url: http://a/, secret: "\${HOOK_SECRET}" } }, on: [live, failed] }
    `);
    assert.deepEqual(
      all.map((target) => [target.kind === "terminal" ? "" : target.name, target.on]),
      [
        ["slack", undefined],
        ["slack-2", ["rolled-back"]],
        ["database", []],
        ["ops", ["live", "failed"]],
        ["audit", ["live", "failed"]],
      ],
    );
    const quiet = await planOf(`notify: [{ terminal: false }, { webhook: http://a/ }]`);
    assert.deepEqual(
      quiet.notify.map(({ kind }) => kind),
      ["webhook"],
    );
  });

  it("is named by guards too", async () => {
    const { plan } = await load(
      planWith(`
        notify: [{ slack: "\${SLACK_URL}", name: database, on: [] }]
        guards: { p95: { warn: 1s, rollback: 3s, to: database }, errors: { rollback: 1% } }
      `),
      { env },
    );
    const guards = plan.steps.find(({ kind }) => kind === "shift")?.guards ?? [];
    const to = Object.fromEntries(guards.map((guard) => [guard.metric, guard.to]));
    assert.deepEqual([to["p95"], to["errors"]], [["database"], undefined]);
  });
});

describe("who is called, in a plan", () => {
  it("gets what needs a person, and those under notify hear when nobody acknowledges in time", async () => {
    const page = await paging(`
      notify: { slack: "\${SLACK_URL}", webhook: { ops: "\${HOOK}" } }
      page: { pagerduty: { key: "\${PD_KEY}", token: "\${PD_TOKEN}" }, ack: 10m }
    `);
    const names = (targets: readonly NotifyTarget[] = []) =>
      targets.map((target) => (target.kind === "terminal" ? "terminal" : target.name));
    assert.deepEqual(
      [names(page?.to), page?.on, page?.ackMs, names(page?.else)],
      [["pagerduty"], ["needs-person", "failed"], 600_000, ["terminal", "slack", "ops"]],
    );
  });

  it("may be others, of other things, and somebody else after five minutes", async () => {
    const page = await paging(`
      notify: { slack: "\${SLACK_URL}" }
      page: { slack: "\${SLACK_URL}", on: [failed, rolled-back], else: { pagerduty: "\${PD_KEY}", name: boss } }
    `);
    assert.deepEqual([page?.on, page?.ackMs], [["failed", "rolled-back"], 300_000]);
    assert.deepEqual(
      [...(page?.to ?? []), ...(page?.else ?? [])].map((target) => (target.kind === "terminal" ? "" : target.name)),
      ["slack-2", "boss"],
    );
    assert.deepEqual((await paging(`page: { pagerduty: "\${PD_KEY}" }`))?.else, []);
  });
});

describe("A mistake in notify or page is told at its place", () => {
  it("a topic that there is not, and a name that nobody has", () =>
    tells(
      planWith(`
        notify:
          - { slack: "\${SLACK_URL}", on: [rolledback] }
          - { slack: "\${SLACK_URL}", name: database }
        guards: { errors: { rollback: 1%, to: databse } }
      `),
      `
        \`on\` must be \`started\`, \`phase\`, \`warning\`, \`held\`, \`needs-person\`, \`live\`, \`rolled-back\`, \`failed\`, \`closed\` or \`announcement\`, not \`rolledback\`; did you mean \`rolled-back\`?
          where  tidegate.yaml:6:35 · notify[0].on[0]
          seen   6 |   - { slack: "\${SLACK_URL}", on: [rolledback] }
                   |                                   ^^^^^^^^^^
          code   plan-value-invalid
      `,
      { env },
    ));

  it("a receiver that a guard names and nobody has", () =>
    tells(
      planWith(`
        notify: [{ slack: "\${SLACK_URL}", name: database }]
        guards: { errors: { rollback: 1%, to: databse } }
      `),
      `
        There is no \`databse\` under \`notify:\`; did you mean \`database\`?
          where  tidegate.yaml:6:39 · guards.errors.to
          seen   6 | guards: { errors: { rollback: 1%, to: databse } }
                   |                                       ^^^^^^^
          fix    Known: terminal, database.
          code   plan-name-unknown
      `,
      { env },
    ));

  it("secrets in plain text", async () => {
    const said = await mistakes(
      planWith(`
        notify:
          - { webhook: { url: http://a/, secret: whsec_abc } }
          - { email: { to: a@example.com, smtp: "smtp://me:pass-word@mail.example.com" } }
          - { slack: { token: xoxb-1, channel: "#a" } }
        page: { pagerduty: R03E }
      `),
      { env },
    );
    assert.match(said, /notify\[2\]\.slack\.token/);
    assert.doesNotMatch(said, /calls nobody/);
    assert.match(said, /`pagerduty` must be a reference to the environment, not the text "•••"\./);
    assert.doesNotMatch(said, /whsec_abc|pass-word|xoxb-1|R03E/);
    const compiled = await mistakes(
      planWith(`
        notify:
          - { webhook: { url: http://a/, secret: "\${HOOK_SECRET}", retries: http://b/ } }
          - { email: { to: a@example.com, smtp: "smtp://me:pass-word@mail.example.com" } }
        page: { ack: 5m }
      `),
      { env },
    );
    assert.match(compiled, /^`retries` is not known beside the `url` of a webhook\.$/m);
    assert.match(compiled, /^A password can't stand here in plain text: the plan is kept in the journal\.$/m);
    assert.match(compiled, /^`page` calls nobody\.$/m);
  });

  it("a key that is mistyped, two of one name, and one name for two", async () => {
    const said = await mistakes(
      planWith(`
        notify:
          - { slak: "\${SLACK_URL}" }
      `),
      { env },
    );
    assert.match(said, /^`slak` is not known here; did you mean `slack`\?$/m);
    const names = await mistakes(
      planWith(`
        notify:
          - { slack: "\${SLACK_URL}", name: team }
          - { webhook: http://a/, name: team }
          - { slack: "\${SLACK_URL}", webhook: http://b/, name: both }
      `),
      { env },
    );
    assert.match(names, /^There are two receivers `team`\.$/m);
    assert.match(names, /^`both` is the name of one receiver, and here stand 2\.$/m);
  });

  it("an address of which the environment does not know the name", () =>
    tells(
      planWith('notify: { slack: "${SLACK_ADDRESS}" }'),
      `
        \`\${SLACK_ADDRESS}\` is not set in the environment.
          where  tidegate.yaml:5:19 · notify.slack
          seen   5 | notify: { slack: "\${SLACK_ADDRESS}" }
                   |                   ^^^^^^^^^^^^^^^^
          fix    Set SLACK_ADDRESS in the environment in which Tidegate runs. For the text itself write \`$\${SLACK_ADDRESS}\`.
          code   environment-variable-missing
      `,
    ));
});
