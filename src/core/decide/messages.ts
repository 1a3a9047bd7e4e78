import { effectKey } from "../release/effect.ts";
import type { ReleaseEvent } from "../release/event.ts";
import { bearsRepeating, type NotifyTarget, receiverName } from "../plan/receiver.ts";
import type { Release } from "../release/release.ts";
import { type Duration, HOUR, type Instant, MINUTE, type Moment, SECOND } from "../time/time.ts";
import { alertTellings, isEscalationAhead } from "./alerts.ts";
import { bundlesOf, messageOf } from "./bundles.ts";
import { newsOf } from "./news.ts";
import { hears, type Telling } from "./telling.ts";

/** How often a message is handed to whoever delivers it, before it is given up. */
const TRIES = 5;
const FIRST_PAUSE: Duration = 10 * SECOND;
const LONGEST_PAUSE: Duration = 5 * MINUTE;
/** What nobody took for so long is no news any more. */
const NEWS: Duration = HOUR;

/**
 * Messages to people that are due and not yet under way. They block nothing, and each target is told by itself: one
 * that does not answer keeps nothing from the others, and nobody is told twice because somebody else was not.
 */
export function decideMessages(release: Release, now: Moment): readonly ReleaseEvent[] {
  const due = tellings(release, now.wall).filter(
    (telling) => telling.sent === undefined || (isToldAgain(telling, now.wall) && hasPaused(telling.sent, now.wall)),
  );
  return bundlesOf(release, due, now.wall).map((bundle): ReleaseEvent => {
    const [{ target, sent, name: own }] = bundle;
    const name = sent?.name ?? own;
    const also = bundle.flatMap((each) => (each.name === name ? [] : [each.name]));
    const thread = threadOf(release, target);
    return {
      type: "effect-requested",
      key: effectKey(release.id, "message", 1, name),
      within: { kind: "message" },
      name,
      ...(also.length === 0 ? {} : { also }),
      try: (sent?.try ?? 0) + 1,
      effect: {
        kind: "notify",
        message: messageOf(bundle),
        to: [target],
        ...(thread === null ? {} : { thread }),
      },
      inverse: null,
    };
  });
}

/** Whether somebody is still to be told something, now, at a next try, or when nobody says that they look after it. */
export function isMessageLeft(release: Release, now: Instant): boolean {
  const news = newsOf(release, now);
  return (
    isEscalationAhead(release, now, news) ||
    tellings(release, now, news).some(
      (telling) => telling.sent === undefined || telling.sent.state === "requested" || isToldAgain(telling, now),
    )
  );
}

/** Whether a message that did not arrive, or may not have, is sent once more. */
export function isToldAgain({ sent, since, message, target }: Telling, now: Instant): boolean {
  if (sent === undefined || sent.try >= TRIES || now - since >= NEWS) return false;
  const mayHaveArrived = sent.state === "interrupted" || sent.fault?.code === "notification-uncertain";
  if (sent.state !== "failed" && sent.state !== "interrupted") return false;
  // Nobody is told twice: where a second one can't be told from the first, it is left at one that may not have come.
  return !mayHaveArrived || bearsRepeating(target, message.alert !== undefined);
}

export function tellings(release: Release, now: Instant, news = newsOf(release, now)): readonly Telling[] {
  const messages = news.flatMap((each): readonly Telling[] =>
    release.plan.notify
      .filter((target) => target.kind !== "alertmanager" && hears(each, target))
      .map((target) => {
        const name = `${each.name}@${receiverName(target)}`;
        return { name, message: each.message, target, since: each.since, sent: release.messages[name] };
      }),
  );
  return [...messages, ...alertTellings(release, now, news)];
}

/** What the receiver called the first message of this release. */
function threadOf({ messages }: Release, target: NotifyTarget): string | null {
  const name = receiverName(target);
  for (const [about, { observed }] of Object.entries(messages)) {
    const thread = about.endsWith(`@${name}`) ? observed?.["thread"] : undefined;
    if (typeof thread === "string") return thread;
  }
  return null;
}

/** A wall clock that was put back must not stretch the pause. */
function hasPaused({ state, endedAt, fault, try: tries }: NonNullable<Telling["sent"]>, now: Instant): boolean {
  const pause = Math.min(FIRST_PAUSE * 2 ** (tries - 1), LONGEST_PAUSE);
  // Who was stopped has not been refused.
  return (
    state === "interrupted" || fault?.code === "notification-stopped" || Math.abs(now - (endedAt?.wall ?? 0)) >= pause
  );
}
