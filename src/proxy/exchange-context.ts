import type { Duration } from "../core/time/time.ts";
import type { InFlight, Linked } from "./in-flight.ts";
import type { Observations } from "./observations.ts";
import { LATE_MS, type Patience } from "./patience.ts";

/** What all exchanges of a plane share. */
export interface ExchangeContext {
  readonly observations: Observations;
  readonly patience: Patience;
  readonly inFlight: InFlight<Watched>;
  readonly waits: Waits;
  /** The process is about to go: answers tell clients to come back on a new connection. */
  isStopping: boolean;
}

/** How long the plane waits for whom. */
export interface Waits {
  /** Without a byte of an answer for this long the client gets 504. */
  readonly answerMs: Duration;
  /** Without a byte of a body that was announced for this long the client gets 408. */
  readonly bodyMs: Duration;
}

export const DEFAULT_WAITS: Waits = { answerMs: 300_000, bodyMs: 30_000 };

/** Something in flight that is looked after when it lasts. */
export interface Watched extends Linked {
  look(now: number): void;
}

const LOOK_MS: Duration = 250;

/** Looks now and then at what is not young any more. Answers what stops it. */
export function watchInFlight({ inFlight, waits }: ExchangeContext): () => void {
  const youngMs = Math.min(LATE_MS, waits.answerMs, waits.bodyMs);
  const timer = setInterval(() => {
    const now = performance.now();
    for (const each of inFlight.startedBefore(now - youngMs)) each.look(now);
  }, LOOK_MS);
  timer.unref();
  return () => clearInterval(timer);
}
