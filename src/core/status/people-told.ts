import { deadlineOf, hasEscalated, lastingAlerts } from "../decide/alerts.ts";
import { isToldAgain, tellings } from "../decide/messages.ts";
import { bearsRepeating, receiverName } from "../plan/receiver.ts";
import type { Topic } from "../plan/receiver.ts";
import type { EffectProgress, Release } from "../release/release.ts";
import type { Instant } from "../time/time.ts";

/** A message that has not arrived, or may not have: nothing gets lost without being said. */
export interface UntoldStatus {
  /** The receiver's name. */
  readonly receiver: string;
  readonly topic: Topic;
  /** What became of it and why, in a sentence or two. */
  readonly sentence: string;
  readonly tries: number;
  readonly sinceMs: number;
  /** False: nobody tries again. */
  readonly isTriedAgain: boolean;
}

/** Something that lasts, and who looks after it. */
export interface AlertStatus {
  readonly topic: Topic;
  readonly sentence: string;
  readonly sinceMs: number;
  readonly acknowledged: { readonly by: string; readonly reason?: string; readonly atMs: number } | null;
  /** When somebody else is called, should nobody acknowledge it; null: nobody is. */
  readonly escalatesAtMs: number | null;
  /** That has been done. */
  readonly hasEscalated: boolean;
}

/** The messages that did not come where they should, the oldest first. */
export function untoldStatus(release: Release, now: Instant): readonly UntoldStatus[] {
  const again = new Set(
    tellings(release, now).flatMap((telling) => (isToldAgain(telling, now) ? telling.sent?.key : [])),
  );
  return Object.entries(release.messages).flatMap(([name, sent]): readonly UntoldStatus[] => {
    const { effect } = sent;
    const [target] = effect.kind === "notify" ? effect.to : [];
    // What went as one message stands under each of its names.
    if (effect.kind !== "notify" || target === undefined || name !== sent.name) return [];
    const isTriedAgain = again.has(sent.key);
    const sentence = whatBecame(sent, bearsRepeating(target, effect.message.alert !== undefined));
    if (sentence === null) return [];
    const { topic } = effect.message;
    const sinceMs = (sent.endedAt ?? sent.requestedAt).wall;
    return [{ receiver: receiverName(target), topic, sentence, tries: sent.try, sinceMs, isTriedAgain }];
  });
}

/** null: it has arrived, or is on its way. */
function whatBecame({ state, fault, observed }: EffectProgress, isRepeatable: boolean): string | null {
  switch (state) {
    case "requested":
      return null;
    case "interrupted":
      return isRepeatable
        ? "The engine ended before it was told."
        : "It may not have arrived: the engine ended while it was sent, and a second one could be one too many.";
    case "failed":
      return fault === null ? null : [fault.what, ...(fault.cause === undefined ? [] : [`${fault.cause}.`])].join(" ");
    case "confirmed": {
      const refused = observed?.["refused"];
      return Array.isArray(refused) && refused.length > 0 ? `Not taken for ${refused.join("; ")}.` : null;
    }
  }
}

/** What lasts of a release now. */
export function alertStatus(release: Release, now: Instant): readonly AlertStatus[] {
  return lastingAlerts(release, now).map((alert) => {
    const { message, since, name } = alert;
    const act = release.acknowledged[name];
    return {
      topic: message.topic,
      sentence: message.sentence,
      sinceMs: since,
      acknowledged:
        act === undefined
          ? null
          : { by: act.by, ...(act.reason === undefined ? {} : { reason: act.reason }), atMs: act.at.wall },
      escalatesAtMs: deadlineOf(release, alert),
      hasEscalated: hasEscalated(release, alert),
    };
  });
}
