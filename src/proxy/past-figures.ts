import type { SecondRow } from "../core/observation.ts";
import { HOUR, type Instant, MINUTE, SECOND } from "../core/time/time.ts";
import type { PastTraffic } from "../core/traffic/past-traffic.ts";
import { MinuteFiles } from "./minute-files.ts";
import { KEPT_MS, type MinuteSum, MinuteSums, sumOf } from "./minute-sums.ts";
import type { Side } from "./visitor-counts.ts";

/** Between two looks; usually there is one a few times a second. */
const MOST_SECONDS = 5;

/** What happened in a minute that has not been added up yet. */
interface Taken {
  readonly row: SecondRow;
  readonly side: Side | null;
}

/**
 * What a plane remembers of the days before, for guards that are held against them. A request costs it nothing: rows of seconds are
 * put in a list, and a timer makes minutes of them.
 */
export class PastFigures {
  readonly #files: MinuteFiles;
  readonly #steady: () => Instant;
  readonly #wall: () => Instant;
  readonly #sums = new MinuteSums();
  readonly #loaded: Promise<void>;
  #taken: Taken[] = [];
  /** Minutes that are not over, or not written. */
  #open = new Map<Instant, MinuteSums>();
  /** Up to here it has counted, by the clock of the rows. */
  #countedTo: number;
  #forgotAt: Instant;
  #isInCharge = true;

  /** `steady`: the clock by which rows have their seconds; `wall`: the machine's, by which days are kept. */
  constructor(folder: string, steady: () => Instant, wall: () => Instant = Date.now) {
    this.#files = new MinuteFiles(folder);
    this.#steady = steady;
    this.#wall = wall;
    this.#countedTo = Math.floor(steady() / SECOND);
    this.#forgotAt = wall();
    this.#loaded = this.#load();
  }

  /** A second that is over; `side`: the part that its version had in it. */
  take(row: SecondRow, side: Side | null): void {
    if (this.#isInCharge) this.#taken.push({ row, side });
  }

  /** Adds up what was taken, and writes the minutes that are over. Called some times a second. */
  look(): void {
    if (!this.#isInCharge) return;
    this.#addUp();
    // The rows of its last second come a little later.
    const over = [...this.#open.keys()].filter((at) => at + MINUTE + 2 * SECOND <= this.#wall());
    if (over.length > 0) void this.#close(over);
  }

  /** What is known of a span, as far as its minutes are over. */
  async between(from: Instant, to: Instant): Promise<PastTraffic> {
    await this.#loaded;
    return this.#sums.between(from, to);
  }

  /** Writes all that it has. Answers the second from which on another process counts. */
  async handOver(): Promise<number> {
    this.look();
    this.#isInCharge = false;
    await this.#close([...this.#open.keys()]);
    return this.#countedTo;
  }

  /** The other process has gone: this one counts again. */
  goOn(): void {
    if (this.#isInCharge) return;
    this.#isInCharge = true;
    this.#countedTo = Math.floor(this.#steady() / SECOND);
  }

  async #load(): Promise<void> {
    const since = this.#wall() - KEPT_MS;
    await this.#files.read(since, (sum) => this.#sums.add(sum, this.#wall())).catch(() => undefined);
    this.#sums.age(this.#wall());
    await this.#files.forgetBefore(since);
  }

  #addUp(): void {
    const now = Math.floor(this.#steady() / SECOND);
    // By the clock as it is set now: another day's process counted by it too.
    const ahead = this.#wall() - this.#steady();
    // A process that was stopped for a while has not counted.
    this.#countedTo = Math.max(this.#countedTo, now - MOST_SECONDS);
    const minuteOf = (second: number): Instant => floorTo(second * SECOND + ahead, MINUTE);
    for (; this.#countedTo < now; this.#countedTo += 1)
      this.#addOpen({ at: minuteOf(this.#countedTo), seconds: 1, requests: 0 });
    for (const { row, side } of this.#taken) this.#addOpen(sumOf(row, side, minuteOf(row.second)));
    this.#taken = [];
  }

  #addOpen(sum: MinuteSum): void {
    const open = this.#open.get(sum.at) ?? new MinuteSums();
    this.#open.set(sum.at, open);
    open.add(sum);
  }

  async #close(minutes: readonly Instant[]): Promise<void> {
    const sums = minutes.flatMap((at) => this.#open.get(at)?.all() ?? []);
    for (const at of minutes) this.#open.delete(at);
    // Not before what earlier processes wrote was read: this would be read with it.
    await this.#loaded;
    for (const sum of sums) this.#sums.add(sum);
    const now = this.#wall();
    this.#sums.age(now);
    await this.#files.append(sums);
    if (now - this.#forgotAt < HOUR) return;
    this.#forgotAt = now;
    await this.#files.forgetBefore(now - KEPT_MS);
  }
}

function floorTo(at: Instant, step: number): Instant {
  return Math.floor(at / step) * step;
}
