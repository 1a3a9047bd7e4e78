import type { Reading, SourceFrom, Subject } from "../../core/plan/source.ts";
import type { Metrics } from "../../ports/metrics.ts";
import type { LogFollower } from "./log.ts";
import type { RedisAsker } from "./redis.ts";
import type { Asking, MetricsSettings } from "./settings.ts";

/** Real sources of figures. What a kind needs is loaded when one of it is asked: no command line waits for a database's client. */
export function createMetrics(settings: MetricsSettings): Metrics {
  let redis: RedisAsker | undefined;
  let logs: LogFollower | undefined;

  const asked = async (from: SourceFrom, subject: Subject, asking: Asking): Promise<Reading> => {
    switch (from.kind) {
      case "prometheus": {
        const { askPrometheus } = await import("./prometheus.ts");
        return askPrometheus(from, subject, asking);
      }
      case "http": {
        const { askHttp } = await import("./http.ts");
        return askHttp(from, subject, asking);
      }
      case "command": {
        const { askCommand } = await import("./command.ts");
        return askCommand(from, subject, asking);
      }
      case "log": {
        const { createLogFollower } = await import("./log.ts");
        return (logs ??= createLogFollower(settings.runtime)).ask(from, subject, asking);
      }
      case "redis": {
        const { createRedisAsker } = await import("./redis.ts");
        return (redis ??= createRedisAsker()).ask(from, subject, asking);
      }
      case "postgres": {
        const { askPostgres } = await import("./postgres.ts");
        return askPostgres(from, subject, asking);
      }
    }
  };

  return {
    ask: async (source, subject, signal) => {
      try {
        return await asked(source.from, subject, { settings, timeoutMs: source.timeoutMs, signal });
      } catch (error) {
        const why = settings.redact(error instanceof Error ? error.message : String(error));
        return { kind: "down", why: `it can't be asked: ${why}` };
      }
    },
  };
}
