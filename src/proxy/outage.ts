import type { Duration } from "../core/time/time.ts";

/** What a request waits for at most when its only instance is gone: long enough for a process that is started again at once. */
const OUTAGE_MS: Duration = 2_000;
const LOOK_MS: Duration = 50;
/** Beyond them nobody is held. */
const MOST_HELD = 1_000;

/** A request of which nothing has been sent. */
export interface Held {
  /** The instance accepts connections again. */
  goOn(): void;
  /** It does not, or is not the one to ask any more. */
  endWait(): void;
}

/**
 * An instance that was answering and accepts no connection any more: it was killed, and its keeper starts it again.
 * Requests that no other instance may take wait here, for a while that is counted from the first refusal: when an
 * instance stays away, nobody waits for it longer than that, and who comes later does not wait at all.
 */
export class Outage {
  readonly #accepts: () => Promise<boolean>;
  readonly #forMs: Duration;
  readonly #held = new Set<Held>();
  #hasAnswered = false;
  /** Of the monotonic clock; null: it is there, as far as anybody knows. */
  #endsAt: number | null = null;
  #timer: NodeJS.Timeout | undefined;

  /** `accepts`: whether it takes a connection now. */
  constructor(accepts: () => Promise<boolean>, forMs: Duration = OUTAGE_MS) {
    this.#accepts = accepts;
    this.#forMs = forMs;
  }

  /** It is there. */
  noteAnswer(): void {
    this.#hasAnswered = true;
    if (this.#held.size === 0) this.#endsAt = null;
  }

  /** Whether the request waits here now; false: it gets no better answer by waiting. */
  hold(request: Held): boolean {
    if (!this.#hasAnswered || this.#held.size >= MOST_HELD) return false;
    this.#endsAt ??= performance.now() + this.#forMs;
    if (performance.now() >= this.#endsAt) return false;
    this.#held.add(request);
    if (this.#held.size === 1) this.#lookLater();
    return true;
  }

  /** The client of a request that waits here has gone. */
  forget(request: Held): void {
    this.#held.delete(request);
  }

  /** Whoever waits for it is not to wait, nor to go there, any more. */
  giveUp(): void {
    for (const request of this.#taken()) request.endWait();
  }

  async #look(): Promise<void> {
    const isBack = await this.#accepts();
    if (isBack) {
      this.#endsAt = null;
      for (const request of this.#taken()) request.goOn();
    } else if (performance.now() >= (this.#endsAt ?? 0)) this.giveUp();
    else if (this.#held.size > 0) this.#lookLater();
  }

  #lookLater(): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.#look(), LOOK_MS);
  }

  /** In the order in which they came. */
  #taken(): readonly Held[] {
    clearTimeout(this.#timer);
    const held = [...this.#held];
    this.#held.clear();
    return held;
  }
}
