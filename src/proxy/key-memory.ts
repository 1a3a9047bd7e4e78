/** Places that a key may have. */
const WAYS = 8;

/**
 * Remembers visitors by their keys (numbers, of which nobody can be told) in a space that never grows: each key has eight
 * places, and when they are taken, the key used longest ago among them is forgotten. So no request waits for a table to
 * be copied or cleaned, and one that holds half of what it could has forgotten next to nobody.
 */
export class KeyMemory {
  /** How many keys there are places for. What is known of a key is kept by its place, in arrays of this length. */
  readonly capacity: number;

  readonly #keys: Int32Array;
  /** The second of its last use; 0: nobody has the place. */
  readonly #usedAt: Uint32Array;
  readonly #sets: number;

  constructor(most: number) {
    this.#sets = Math.max(1, Math.floor(most / WAYS));
    this.capacity = this.#sets * WAYS;
    this.#keys = new Int32Array(this.capacity);
    this.#usedAt = new Uint32Array(this.capacity);
  }

  /** The place of a key; −1: it is not known. */
  find(key: number): number {
    const first = this.#firstPlaceOf(key);
    for (let place = first; place < first + WAYS; place += 1) {
      if (this.#keys[place] === key && this.#usedAt[place] !== 0) return place;
    }
    return -1;
  }

  /** Gives a place to a key that has none; what was kept by it belongs to a key that is forgotten now. */
  claim(key: number, second: number): number {
    const first = this.#firstPlaceOf(key);
    let oldest = first;
    for (let place = first + 1; place < first + WAYS; place += 1) {
      if ((this.#usedAt[place] as number) < (this.#usedAt[oldest] as number)) oldest = place;
    }
    this.#keys[oldest] = key;
    this.#usedAt[oldest] = second;
    return oldest;
  }

  use(place: number, second: number): void {
    this.#usedAt[place] = second;
  }

  usedAt(place: number): number {
    return this.#usedAt[place] as number;
  }

  keyAt(place: number): number {
    return this.#keys[place] as number;
  }

  #firstPlaceOf(key: number): number {
    // Neighbours among crc32s would be neighbours here too, if they were not mixed (Knuth's multiplicative hash).
    return ((Math.imul(key, 0x9e3779b1) >>> 12) % this.#sets) * WAYS;
  }
}
