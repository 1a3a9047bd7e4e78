import type { AlertPart, Message } from "../../core/release/effect.ts";
import { FaultError } from "../../core/fault.ts";
import type { NotifyTarget } from "../../core/plan/receiver.ts";
import { onOneLine } from "../../core/text/plain-text.ts";
import { SECOND } from "../../core/time/time.ts";
import { exchange } from "../../local/http-exchange.ts";
import type { MessageContext } from "../../ports/notifier.ts";
import { type Delivery, postMessage } from "./post.ts";
import { type Called, filledIn, webAddress } from "./settings.ts";

type PagerDuty = Extract<NotifyTarget, { readonly kind: "pagerduty" }>;

const ACTIONS: Readonly<Record<AlertPart["act"], string>> = {
  open: "trigger",
  acknowledge: "acknowledge",
  resolve: "resolve",
};

const LONGEST_SUMMARY = 1_024;

/**
 * What lasts is an alert with a dedup_key, which opens, is acknowledged and is resolved; all else is a change event.
 * Source: PagerDuty Events API v2, "Send an alert event" and "Send a change event".
 */
export async function deliverToPagerDuty(
  message: Message,
  target: PagerDuty,
  context: MessageContext,
  settings: Delivery,
): Promise<void> {
  const called = calledOf(target);
  const key = filledIn(target.key, called, "integration key", settings);
  const { alert, title } = message;
  const event = {
    routing_key: key,
    ...(alert === undefined ? {} : { event_action: ACTIONS[alert.act], dedup_key: alert.key, client: "Tidegate" }),
    payload: {
      ...payloadOf(message, context),
      ...(alert === undefined ? {} : { severity: alert.severity, class: message.topic }),
    },
  };
  const path = alert === undefined ? "/v2/change/enqueue" : "/v2/enqueue";
  await postMessage(
    {
      ...called,
      title,
      url: webAddress(`${target.url.replace(/\/$/, "")}${path}`, called, settings),
      body: JSON.stringify(event),
      headers: () => ({}),
      secrets: [key],
      // A change event has no key to know it by.
      isRepeatable: alert !== undefined,
      staysOnHost: true,
    },
    settings,
  );
}

function payloadOf(
  { title, sentence, command, at, topic }: Message,
  { app, environment, release }: MessageContext,
): Readonly<Record<string, unknown>> {
  return {
    summary: onOneLine(`${title}: ${sentence}`, LONGEST_SUMMARY),
    source: `${app} ${environment}`,
    ...(at === undefined ? {} : { timestamp: new Date(at).toISOString() }),
    custom_details: { app, environment, release, topic, sentence, next: command },
  };
}

/**
 * Who has acknowledged or resolved the alert's incident there; null: nobody yet, or no token was given to ask with.
 * Source: PagerDuty REST API v2, "List incidents". Faults: acknowledgement-unknown.
 */
export async function acknowledgedAtPagerDuty(
  alertKey: string,
  target: PagerDuty,
  settings: Delivery,
): Promise<string | null> {
  if (target.token === undefined) return null;
  const called = calledOf(target);
  const token = filledIn(target.token, called, "API token", settings);
  const url = webAddress(`${target.api.replace(/\/$/, "")}/incidents`, called, settings);
  url.searchParams.set("incident_key", alertKey);
  url.searchParams.set("date_range", "all");
  const result = await exchange({
    url: url.href,
    headers: { authorization: `Token token=${token}`, accept: "application/vnd.pagerduty+json;version=2" },
    timeoutMs: settings.timeoutMs ?? 10 * SECOND,
    keepBytes: 262_144,
    beyond: "stop",
    signal: settings.signal,
    ...(settings.authority === undefined ? {} : { authority: settings.authority }),
  });
  const incidents = result.answered && result.status === 200 ? incidentsIn(result.body.toString("utf8")) : null;
  if (incidents !== null) return whoIn(incidents);
  const cause = result.answered
    ? `it answers ${result.status}: ${onOneLine(settings.redact(result.body.toString("utf8")).replaceAll(token, "•••"))}`
    : result.what;
  throw new FaultError({
    code: "acknowledgement-unknown",
    what: `${called.receiver} does not say whether anybody has acknowledged.`,
    where: url.host,
    cause,
    fix: "check the API token; `tidegate ack` works without it",
  });
}

interface Incident {
  readonly status?: string;
  readonly acknowledgements?: readonly { readonly acknowledger?: { readonly summary?: string } }[];
  readonly last_status_change_by?: { readonly summary?: string };
}

/** null: this is no list of incidents. */
function incidentsIn(body: string): readonly Incident[] | null {
  try {
    const { incidents } = JSON.parse(body) as { readonly incidents?: readonly Incident[] };
    return Array.isArray(incidents) ? incidents : null;
  } catch {
    return null;
  }
}

function whoIn(incidents: readonly Incident[]): string | null {
  const taken = incidents.find(({ status }) => status === "acknowledged" || status === "resolved");
  if (taken === undefined) return null;
  const who = taken.acknowledgements?.[0]?.acknowledger?.summary ?? taken.last_status_change_by?.summary;
  return `${who ?? "somebody"}, in PagerDuty`;
}

function calledOf({ name }: PagerDuty): Called {
  return {
    receiver: `PagerDuty ("${name}")`,
    fix: "check the integration key of the service (Events API v2), then: tidegate notify test",
  };
}
