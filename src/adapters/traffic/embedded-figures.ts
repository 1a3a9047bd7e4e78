import type { ObservationBatch } from "../../core/observation.ts";
import type { ProxyObservations } from "../../proxy/protocol.ts";

/** Processes whose rows are remembered as told: those before the newest have long ended. */
const MOST = 8;

/**
 * One sequence of figures for its one reader, whatever processes they come from: when a process takes over from another,
 * the rows of both are told, each once. `fetch` asks the process in charge.
 */
export function embeddedFigures(
  fetch: (query: URLSearchParams) => Promise<ProxyObservations>,
): (since: number) => Promise<ObservationBatch> {
  /** By process: how far its rows have been told. */
  const told = new Map<string, number>();
  return async (since) => {
    const query = new URLSearchParams({ since: String(since) });
    for (const [proxy, next] of told) query.append("earlier", `${proxy}:${next}`);
    const { earlier = [], ...batch } = await fetch(query);
    for (const { proxy, next } of [...earlier, batch]) {
      told.delete(proxy);
      told.set(proxy, next);
    }
    for (const proxy of [...told.keys()].slice(0, -MOST)) told.delete(proxy);
    return {
      ...batch,
      rows: [...earlier.flatMap(({ rows }) => rows), ...batch.rows],
      lost: earlier.reduce((sum, { lost }) => sum + lost, batch.lost),
    };
  };
}
