/** Places that a key may have. */
const WAYS = 8;

/**
 * Remembers visitors by their keys (numbers, of which nobody can be told) in a space that never grows: each key has eight
 * places, side by side, and when they are taken, the one of the lowest rank among them is forgotten. So no request waits
 * for a table to be copied or cleaned, and a memory that is half full has forgotten next to nobody.
 */
export class KeyMemory {
  /** How many keys there are places for. What is known of a key is kept by its place, in an array of the owner's. */
  readonly capacity: number;

  /** By place: the key, and its rank; 0: nobody has the place. */
  readonly #cells: Uint32Array;
  readonly #sets: number;

  constructor(most: number) {
    this.#sets = Math.max(1, Math.floor(most / WAYS));
    this.capacity = this.#sets * WAYS;
    this.#cells = new Uint32Array(this.capacity * 2);
  }

  /** The place of a key; −1: it is not known. */
  find(key: number): number {
    const cells = this.#cells;
    const wanted = key >>> 0;
    const first = this.#firstPlaceOf(key);
    for (let place = first; place < first + WAYS; place += 1) {
      if (cells[place * 2] === wanted && cells[place * 2 + 1] !== 0) return place;
    }
    return -1;
  }

  /** Gives a place to a key that has none; what was kept by it belongs to a key that is forgotten now. */
  claim(key: number, rank: number): number {
    const cells = this.#cells;
    const first = this.#firstPlaceOf(key);
    let lowest = first;
    for (let place = first + 1; place < first + WAYS; place += 1) {
      if ((cells[place * 2 + 1] as number) < (cells[lowest * 2 + 1] as number)) lowest = place;
    }
    cells[lowest * 2] = key;
    cells[lowest * 2 + 1] = rank;
    return lowest;
  }

  /** Gives the key at a place a rank (at least 1), unless it has a higher one. */
  raise(place: number, rank: number): void {
    if ((this.#cells[place * 2 + 1] as number) < rank) this.#cells[place * 2 + 1] = rank;
  }

  keyAt(place: number): number {
    return this.#cells[place * 2] as number;
  }

  #firstPlaceOf(key: number): number {
    // Neighbours among crc32s would be neighbours here too, if they were not mixed (Knuth's multiplicative hash).
    return ((Math.imul(key, 0x9e3779b1) >>> 12) % this.#sets) * WAYS;
  }
}
