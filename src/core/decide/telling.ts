import type { Message } from "../release/effect.ts";
import { hearsOf, type NotifyTarget, receiverName } from "../plan/receiver.ts";
import type { EffectProgress } from "../release/release.ts";
import type { Instant } from "../time/time.ts";
import type { News } from "./news.ts";

/** One message to one receiver. */
export interface Telling {
  readonly name: string;
  readonly message: Message;
  readonly target: NotifyTarget;
  readonly since: Instant;
  /** undefined: not yet. */
  readonly sent: EffectProgress | undefined;
}

/** Whether a receiver is told: because it is named, or hears of the topic and nobody is named in its place. */
export function hears({ message, to = [], also = [] }: News, target: NotifyTarget): boolean {
  const name = receiverName(target);
  if (to.length > 0) return to.includes(name);
  return also.includes(name) || hearsOf(target, message.topic);
}
