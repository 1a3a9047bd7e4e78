import type { Message } from "../release/effect.ts";
import type { Release } from "../release/release.ts";
import { receiverName } from "../plan/receiver.ts";
import { type Duration, type Instant, SECOND } from "../time/time.ts";
import type { Telling } from "./telling.ts";

/** Between two messages of warnings to one receiver: what breaks one limit often breaks several. */
const APART: Duration = 30 * SECOND;

/** What goes to one receiver as one message; at least one telling. */
export type Bundle = readonly [Telling, ...Telling[]];

/**
 * Everything is a message of its own, but for warnings: those to one receiver that come at once are one, and so are those
 * that follow soon.
 */
export function bundlesOf(release: Release, tellings: readonly Telling[], now: Instant): readonly Bundle[] {
  const bundles = new Map<string, [Telling, ...Telling[]]>();
  for (const telling of tellings) {
    const key = bundleKey(telling);
    const bundle = bundles.get(key);
    if (bundle === undefined) bundles.set(key, [telling]);
    else bundle.push(telling);
  }
  return [...bundles.values()].filter((bundle) => !isGathering(release, bundle, now));
}

/** What the receiver is told: every sentence once. */
export function messageOf([first, ...others]: Bundle): Message {
  if (others.length === 0) return first.message;
  const sentences = new Set([first, ...others].map(({ message }) => message.sentence));
  return { ...first.message, sentence: [...sentences].join(" ") };
}

/** What went together goes together again. */
function bundleKey({ name, message, target, sent }: Telling): string {
  if (sent !== undefined) return sent.key;
  return isGathered(message) ? `warnings@${receiverName(target)}` : name;
}

/** Of alerts each is opened and resolved by itself. */
function isGathered({ topic, alert }: Message): boolean {
  return topic === "warning" && alert === undefined;
}

/** A wall clock that was put back must not stretch the wait. */
function isGathering({ messages }: Release, [{ message, target, sent }]: Bundle, now: Instant): boolean {
  if (!isGathered(message) || sent !== undefined) return false;
  return Object.values(messages).some(
    ({ effect, requestedAt }) =>
      effect.kind === "notify" &&
      isGathered(effect.message) &&
      effect.to.some((to) => receiverName(to) === receiverName(target)) &&
      Math.abs(now - requestedAt.wall) < APART,
  );
}
