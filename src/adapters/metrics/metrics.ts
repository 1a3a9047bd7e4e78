import type { Reading, Source, Subject } from "../../core/plan/source.ts";
import type { Metrics } from "../../ports/metrics.ts";
import type { Asking, MetricsSettings } from "./settings.ts";

/** Real sources of figures. What a kind needs is loaded when one of it is asked: no command line waits for a database's client. */
export function createMetrics(settings: MetricsSettings): Metrics {
  return {
    ask: async (source, subject, signal) => {
      try {
        return await asked(source, subject, { settings, timeoutMs: source.timeoutMs, signal });
      } catch (error) {
        const why = settings.redact(error instanceof Error ? error.message : String(error));
        return { kind: "down", why: `it can't be asked: ${why}` };
      }
    },
  };
}

async function asked({ from }: Source, subject: Subject, asking: Asking): Promise<Reading> {
  switch (from.kind) {
    case "prometheus": {
      const { askPrometheus } = await import("./prometheus.ts");
      return askPrometheus(from, subject, asking);
    }
  }
}
