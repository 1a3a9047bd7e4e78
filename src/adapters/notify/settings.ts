import { FaultError } from "../../core/fault.ts";
import { onOneLine } from "../../core/text/plain-text.ts";
import { fillReferences, referencesIn } from "../../core/text/references.ts";
import type { Duration } from "../../core/time/time.ts";
import type { Clock } from "../../ports/clock.ts";

/** What receivers are reached with. */
export interface DeliverySettings {
  readonly clock: Clock;
  readonly redact: (text: string) => string;
  /** Values for `${UPPER}` in addresses and keys: a webhook's address is mostly its password. */
  readonly values: () => Readonly<Record<string, string>>;
  readonly timeoutMs?: Duration;
  readonly tries?: number;
  /** PEM of the authorities to trust instead of the machine's own. */
  readonly authority?: string;
  /** Which addresses a public webhook must not redirect to. */
  readonly isPrivate?: (address: string) => boolean;
}

/** A receiver as people know it, and where to look when it does not work. */
export interface Called {
  /** With its kind: `The webhook "team"`. */
  readonly receiver: string;
  readonly fix: string;
}

/** A text of the plan with its references filled in. Faults: notification-not-delivered, where one has no value. */
export function filledIn(text: string, { receiver }: Called, what: string, { values }: DeliverySettings): string {
  const known = values();
  const unknown = referencesIn(text).find(({ name, owner }) => owner === "user" && !Object.hasOwn(known, name));
  if (unknown === undefined) return fillReferences(text, known);
  throw new FaultError({
    code: "notification-not-delivered",
    what: `${receiver} has no ${what}.`,
    cause: `\${${unknown.name}} is neither among the secrets nor in the environment`,
    fix: "set it where Tidegate runs, or correct the plan file",
  });
}

/** The same for the address of a web service. */
export function webAddress(text: string, called: Called, settings: DeliverySettings): URL {
  const filled = filledIn(text, called, "address to send to", settings);
  const url = URL.canParse(filled) ? new URL(filled) : null;
  if (url !== null && isWeb(url)) return url;
  throw new FaultError({
    code: "notification-not-delivered",
    what: `${called.receiver} has no address to send to.`,
    cause: "its address is not an http:// or https:// URL",
    fix: "set it where Tidegate runs, or correct the plan file",
  });
}

export function isWeb(url: URL): boolean {
  return url.protocol === "https:" || url.protocol === "http:";
}

/** What became of a message that was not taken: `uncertain`: nobody can tell; `stopped`: whoever acts next goes on. */
export type Became = "not-delivered" | "uncertain" | "stopped";

export function notDelivered(
  { receiver, fix }: Called,
  title: string,
  { where, cause, became }: { readonly where: string; readonly cause: string; readonly became: Became },
): FaultError {
  const verb = became === "uncertain" ? "may not have taken" : "did not take";
  return new FaultError({
    code: `notification-${became}`,
    what: `${receiver} ${verb} the message "${onOneLine(title, 80)}".`,
    where,
    cause,
    fix,
  });
}
