import type { Duration } from "../core/time/time.ts";

/** Holds new requests for a switch with no two versions at once: for a bounded time, and a bounded number of them. */
export class Pause {
  #held: { go: () => void; refuse: () => void }[] | null = null;
  #max = 0;
  #endsAt = 0;
  #timer: NodeJS.Timeout | undefined;

  get isOn(): boolean {
    return this.#held !== null;
  }

  /** How many are held now. */
  get held(): number {
    return this.#held?.length ?? 0;
  }

  /** What is left of it; null: it is off. */
  get rest(): { readonly forMs: Duration; readonly max: number } | null {
    return this.#held === null ? null : { forMs: Math.max(1, this.#endsAt - performance.now()), max: this.#max };
  }

  /** From now on requests are held; those still held after `forMs` are refused, and new ones pass again. */
  begin(forMs: Duration, max: number): void {
    this.#held ??= [];
    this.#max = max;
    this.#endsAt = performance.now() + forMs;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      const held = this.#held ?? [];
      this.#held = null;
      for (const { refuse } of held) refuse();
    }, forMs);
  }

  /** Lets go in the order in which they came. */
  end(): void {
    clearTimeout(this.#timer);
    const held = this.#held ?? [];
    this.#held = null;
    for (const { go } of held) go();
  }

  /** Only while it is on. */
  hold(go: () => void, refuse: () => void): void {
    if (this.#held === null) go();
    else if (this.#held.length >= this.#max) refuse();
    else this.#held.push({ go, refuse });
  }
}
