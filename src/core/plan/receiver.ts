/** What messages are about. */
export const TOPICS = [
  "started",
  "phase",
  "warning",
  "held",
  "needs-person",
  "live",
  "rolled-back",
  "failed",
  "closed",
  "announcement",
] as const;

export type Topic = (typeof TOPICS)[number];

/**
 * Who, or what, is told. Addresses and secrets are `${NAME}`s of the environment, filled in when something is sent.
 * `on`: the topics that it hears of; absent: all. Empty: only of what names it.
 */
export type NotifyTarget = { readonly on?: readonly Topic[] } & (
  | { readonly kind: "terminal" }
  /** `secret`: signed by it, as Standard Webhooks says. */
  | { readonly kind: "webhook"; readonly name: string; readonly url: string; readonly secret?: string }
  | { readonly kind: "slack"; readonly name: string; readonly to: SlackPlace }
  | {
      readonly kind: "email";
      readonly name: string;
      readonly to: readonly string[];
      readonly from?: string;
      readonly smtp: string;
    }
  /** `token`: of PagerDuty's REST API, with which acknowledgements are read back from `api`. */
  | {
      readonly kind: "pagerduty";
      readonly name: string;
      readonly key: string;
      readonly url: string;
      readonly token?: string;
      readonly api: string;
    }
  | {
      readonly kind: "alertmanager";
      readonly name: string;
      readonly url: string;
      readonly labels: Readonly<Record<string, string>>;
    }
);

/** An incoming webhook, or a channel of a bot. */
export type SlackPlace =
  | { readonly kind: "webhook"; readonly url: string }
  | { readonly kind: "channel"; readonly token: string; readonly channel: string; readonly api: string };

/** Who is called when a person is needed, and who instead when nobody says within `ackMs` that they look after it. */
export interface Paging {
  readonly to: readonly NotifyTarget[];
  readonly on: readonly Topic[];
  readonly ackMs: number;
  readonly else: readonly NotifyTarget[];
}

/** Unique in the plan. */
export function receiverName(target: NotifyTarget): string {
  return target.kind === "terminal" ? target.kind : target.name;
}

export function hearsOf({ on }: NotifyTarget, topic: Topic): boolean {
  return on === undefined || on.includes(topic);
}

/** Whether it takes what lasts as an alert of its own, which opens and is over. */
export function keepsAlerts({ kind }: NotifyTarget): boolean {
  return kind === "pagerduty" || kind === "alertmanager" || kind === "webhook";
}

/** Whether it takes what it gets a second time for the first: by a key, or because nobody reads both. */
export function bearsRepeating({ kind }: NotifyTarget, isAlert: boolean): boolean {
  switch (kind) {
    case "terminal":
    case "webhook":
    case "alertmanager":
      return true;
    case "pagerduty":
      return isAlert;
    case "slack":
    case "email":
      return false;
  }
}
