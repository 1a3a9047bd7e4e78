import type { Duration } from "../core/time/time.ts";

/** The time for which a partial share may stand without a word from an engine. Monotonic: a clock that jumps ends nothing. */
export class LeaseTimer {
  readonly #onEnd: () => void;
  #timer: NodeJS.Timeout | undefined;
  #endsAt: number | null = null;

  constructor(onEnd: () => void) {
    this.#onEnd = onEnd;
  }

  start(forMs: Duration): void {
    clearTimeout(this.#timer);
    this.#endsAt = performance.now() + forMs;
    this.#timer = setTimeout(() => this.#look(), Math.min(forMs, MAX_TIMER_MS));
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#endsAt = null;
  }

  get hasEnded(): boolean {
    return this.#endsAt !== null && performance.now() >= this.#endsAt;
  }

  #look(): void {
    if (this.#endsAt === null) return;
    const left = this.#endsAt - performance.now();
    if (left <= 0) this.#onEnd();
    else this.#timer = setTimeout(() => this.#look(), Math.min(left + 1, MAX_TIMER_MS));
  }
}

/** Node takes no longer ones. */
const MAX_TIMER_MS = 2 ** 31 - 1;
