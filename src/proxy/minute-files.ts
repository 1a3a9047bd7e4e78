import { appendFile, mkdir, readdir, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { setImmediate as turn } from "node:timers/promises";
import { DAY, type Instant } from "../core/time/time.ts";
import type { MinuteSum } from "./minute-sums.ts";

/** A file a day, by UTC. */
const FILE = /^(\d{4}-\d{2}-\d{2})\.jsonl$/;
/** Lines between which others get their turn. */
const LINES_A_TURN = 100;
/** Some three hundred bytes each: more has been lost than a full disk may keep in memory. */
const MOST_UNWRITTEN = 2 * 60;

/**
 * Minutes on disk, each a line at the end of its day's file: nothing is ever written anew, so that a crash costs the minute that was
 * open, and a line that was torn by it is skipped. Several lines of a minute add up.
 */
export class MinuteFiles {
  readonly #folder: string;
  #unwritten: MinuteSum[] = [];
  #turn: Promise<void> = Promise.resolve();

  constructor(folder: string) {
    this.#folder = folder;
  }

  /** Every minute that was written from `since` on. */
  async read(since: Instant, found: (sum: MinuteSum) => void): Promise<void> {
    for (const name of await this.#names()) {
      if (endOf(name) <= since) continue;
      const text = await readFile(join(this.#folder, name), "utf8").catch(() => "");
      for (const [index, line] of text.split("\n").entries()) {
        if (index % LINES_A_TURN === LINES_A_TURN - 1) await turn();
        const sum = parsed(line);
        if (sum !== null && sum.at >= since) found(sum);
      }
    }
  }

  /** Writes them, and with them what could not be written before. Resolves also when that is not possible now. */
  append(sums: readonly MinuteSum[]): Promise<void> {
    this.#unwritten = [...this.#unwritten, ...sums].slice(-MOST_UNWRITTEN);
    return (this.#turn = this.#turn.then(() => this.#write()));
  }

  /** Removes the files whose day had ended before. */
  async forgetBefore(oldest: Instant): Promise<void> {
    const old = (await this.#names()).filter((name) => endOf(name) <= oldest);
    await Promise.all(old.map((name) => rm(join(this.#folder, name), { force: true }).catch(() => undefined)));
  }

  async #write(): Promise<void> {
    const sums = this.#unwritten;
    if (sums.length === 0) return;
    try {
      await mkdir(this.#folder, { recursive: true, mode: 0o700 });
      for (const [name, mine] of Map.groupBy(sums, ({ at }) => nameOf(at))) {
        // The line before may have been torn.
        const text = mine.map((sum) => `\n${written(sum)}`).join("");
        await appendFile(join(this.#folder, name), text, { mode: 0o600 });
        this.#unwritten = this.#unwritten.filter((sum) => !mine.includes(sum));
      }
    } catch {
      // A full disk must not stop the traffic; the next minute tries again.
    }
  }

  async #names(): Promise<readonly string[]> {
    const names = await readdir(this.#folder).catch(() => []);
    return names.filter((name) => FILE.test(name)).toSorted();
  }
}

function nameOf(at: Instant): string {
  return `${new Date(at).toISOString().slice(0, 10)}.jsonl`;
}

function endOf(name: string): Instant {
  return Date.parse(FILE.exec(name)?.[1] ?? "") + DAY;
}

function written(sum: MinuteSum): string {
  return JSON.stringify(sum, (_, value: unknown) => (value instanceof Uint32Array ? [...value] : value));
}

/** null: not a whole line of ours. */
function parsed(line: string): MinuteSum | null {
  if (line === "") return null;
  try {
    const sum = JSON.parse(line) as MinuteSum;
    const parts = [sum.stable, ...Object.values(sum.features ?? {})].filter((part) => part !== undefined);
    const counts = parts.flatMap(({ requests, bad = 0, opened = 0, failed = 0, latency = [] }) => [
      requests,
      bad,
      opened,
      failed,
      ...latency,
    ]);
    return [sum.at, sum.seconds, sum.requests, ...counts].every((count) => Number.isSafeInteger(count) && count >= 0)
      ? sum
      : null;
  } catch {
    return null;
  }
}
