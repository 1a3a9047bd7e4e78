import type { SecondRow } from "../core/observation.ts";
import type { Instant } from "../core/time/time.ts";
import type { EarlierObservations } from "./protocol.ts";

const MAX_AGE_SECONDS = 600;
/** Rows of one process in one answer. */
const MAX_ROWS_AN_ANSWER = 600;
/** Processes before this one that are remembered. */
const MAX_PROCESSES = 4;

/** Some seconds of a few versions. */
const FEW_ROWS = 40;

interface Kept {
  /** Sequence of `rows[0]`. */
  first: number;
  rows: SecondRow[];
}

/** What processes before this one have counted, by their own sequences, for readers who have not had it from them. */
export class EarlierRows {
  readonly #processes = new Map<string, Kept>();

  /** How far it has the rows of a process: what to ask that one for next. */
  next(proxy: string): number {
    const kept = this.#processes.get(proxy);
    return kept === undefined ? 0 : kept.first + kept.rows.length;
  }

  /** What to ask a process for, so that it answers with what is not here yet, of itself and of those before it. */
  query(proxy: string): string {
    const query = new URLSearchParams({ since: String(this.next(proxy)) });
    for (const each of this.#processes.keys()) query.append("earlier", `${each}:${this.next(each)}`);
    return query.toString();
  }

  /** Takes what a process has answered; says which of it is new. */
  add({ proxy, next, rows }: Pick<EarlierObservations, "proxy" | "next" | "rows">): readonly SecondRow[] {
    const begin = next - rows.length;
    const kept = this.#processes.get(proxy) ?? { first: begin, rows: [] };
    this.#processes.set(proxy, kept);
    const [oldest] = this.#processes.keys();
    if (this.#processes.size > MAX_PROCESSES && oldest !== undefined) this.#processes.delete(oldest);
    const end = kept.first + kept.rows.length;
    // Some were lost on the way: a sequence has no holes, so what lies before them goes too.
    if (begin > end) Object.assign(kept, { first: begin, rows: [] });
    const fresh = rows.slice(Math.max(0, end - begin));
    kept.rows.push(...fresh);
    return fresh;
  }

  /** Of each process the last few. */
  newest(): readonly SecondRow[] {
    return [...this.#processes.values()].flatMap(({ rows }) => rows.slice(-FEW_ROWS));
  }

  /** What a reader has not had yet, by how far it says that it is; of a process that it does not name, all. */
  batches(cursors: ReadonlyMap<string, number>): readonly EarlierObservations[] {
    return [...this.#processes].flatMap(([proxy, { first, rows }]) => {
      const since = cursors.get(proxy) ?? 0;
      const from = Math.min(Math.max(since, first), first + rows.length);
      const fresh = rows.slice(from - first, from - first + MAX_ROWS_AN_ANSWER);
      if (fresh.length === 0) return [];
      return [{ proxy, next: from + fresh.length, rows: fresh, lost: since === 0 ? 0 : from - since }];
    });
  }

  forgetOld(now: Instant): void {
    const oldest = Math.floor(now / 1_000) - MAX_AGE_SECONDS;
    for (const kept of this.#processes.values()) {
      const young = kept.rows.findIndex(({ second }) => second >= oldest);
      const drop = young === -1 ? kept.rows.length : young;
      kept.rows.splice(0, drop);
      kept.first += drop;
    }
  }
}
