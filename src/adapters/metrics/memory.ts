import type { Reading, Source, Subject } from "../../core/plan/source.ts";
import type { Metrics } from "../../ports/metrics.ts";

/** Figures that exist in memory only, for tests: by what `figure` says. */
export interface MemoryMetrics extends Metrics {
  /** What each source says of a version; by default there is no data. `hangs`: it never answers. */
  figure: (source: Source, subject: Subject) => Reading | number | "hangs";
  /** Every question so far. */
  readonly asked: { readonly kind: Source["from"]["kind"]; readonly version: string }[];
}

export function createMemoryMetrics(): MemoryMetrics {
  const mine: MemoryMetrics = {
    figure: () => ({ kind: "no-data", why: "nothing is known" }),
    asked: [],
    ask: async (source, subject, signal) => {
      mine.asked.push({ kind: source.from.kind, version: subject.version });
      const said = mine.figure(source, subject);
      if (said === "hangs") return nothingSaid(AbortSignal.any([signal, AbortSignal.timeout(source.timeoutMs)]));
      return typeof said === "number" ? { kind: "value", value: said } : said;
    },
  };
  return mine;
}

function nothingSaid(over: AbortSignal): Promise<Reading> {
  return new Promise((resolve) => {
    const end = (): void => resolve({ kind: "down", why: "it gives no answer" });
    if (over.aborted) end();
    else over.addEventListener("abort", end, { once: true });
  });
}
