import type { ObservationBatch } from "../../core/observation.ts";
import type { EarlierObservations, ProxyObservations } from "../../proxy/protocol.ts";

/** Processes whose rows are remembered as told: those before the newest have long ended. */
const MOST = 8;

/** By process: how far its rows have been told. */
type Cursors = ReadonlyMap<string, number>;

/**
 * One sequence of figures for its one reader, whatever processes they come from: when a process takes over from another,
 * the rows of both are told, each once. `fetch` asks the process in charge.
 *
 * A reader that finds that another process has answered than it expected drops the answer and asks anew from 0; what it
 * has taken shows in what it asks next.
 */
export function embeddedFigures(
  fetch: (query: URLSearchParams) => Promise<ProxyObservations>,
): (since: number) => Promise<ObservationBatch> {
  let told: Cursors = new Map();
  let offered: { readonly proxy: string; readonly next: number; readonly cursors: Cursors } | null = null;
  return async (since) => {
    if (offered !== null && since === offered.next) {
      told = offered.cursors;
      offered = null;
    }
    const query = new URLSearchParams({ since: String(since) });
    for (const [proxy, next] of told) query.append("earlier", `${proxy}:${next}`);
    const { earlier = [], ...batch } = await fetch(query);
    // Asked anew because another process is in charge now: what the one before had answered was taken.
    if (offered !== null && offered.proxy !== batch.proxy) told = offered.cursors;
    const fresh = earlier.flatMap((each) => after(each, told.get(each.proxy) ?? 0));
    offered = { proxy: batch.proxy, next: batch.next, cursors: grown(told, [...fresh, batch]) };
    return {
      ...batch,
      rows: [...fresh.flatMap(({ rows }) => rows), ...batch.rows],
      lost: fresh.reduce((sum, { lost }) => sum + lost, batch.lost),
    };
  };
}

/** The part of it that comes after a cursor; empty where there is none. */
function after(batch: EarlierObservations, cursor: number): readonly EarlierObservations[] {
  const known = Math.max(0, cursor - (batch.next - batch.rows.length));
  const rows = batch.rows.slice(known);
  return rows.length === 0 ? [] : [{ ...batch, rows, lost: known > 0 ? 0 : batch.lost }];
}

function grown(before: Cursors, batches: readonly Pick<EarlierObservations, "proxy" | "next">[]): Cursors {
  const cursors = new Map(before);
  for (const { proxy, next } of batches) {
    // The newest last, so that the oldest goes first.
    cursors.delete(proxy);
    cursors.set(proxy, next);
  }
  for (const proxy of [...cursors.keys()].slice(0, -MOST)) cursors.delete(proxy);
  return cursors;
}
