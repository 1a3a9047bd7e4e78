import type { Usage } from "../../../core/observation.ts";
import type { Instant } from "../../../core/time/time.ts";
import type { DockerClient } from "./docker-client.ts";
import type { Inspected } from "./containers.ts";

/** What the engine counts of one container, as far as it is looked at. Source: GET /containers/{id}/stats. */
export interface Stats {
  readonly cpu_stats: { readonly cpu_usage?: { readonly total_usage?: number } };
  readonly memory_stats: {
    readonly usage?: number;
    readonly limit?: number;
    readonly stats?: Readonly<Record<string, number>>;
  };
}

/** One look at it. */
export interface Sample {
  /** Processor time since the container began. */
  readonly cpuNanoseconds: number;
  readonly monotonic: number;
}

/** Two looks that are closer than this share one: processor time over a few milliseconds means nothing. */
const FRESH_MS = 900;

export interface ContainerUsage {
  /** As it was last told; null at first, and where the engine doesn't tell. */
  of(container: Inspected): Usage | null;
}

interface Look {
  /** The container's life that was looked at: another one begins from nothing. */
  readonly life: string;
  readonly askedAt: number;
  readonly sample: Sample;
  readonly usage: Usage | null;
}

/** Measures while somebody looks. The engine answers up to a second later, and nobody else should wait for that. */
export function containerUsage(docker: DockerClient): ContainerUsage {
  const last = new Map<string, Look>();
  const asking = new Set<string>();
  const ask = async ({ Id, State }: Inspected, before: Look | undefined): Promise<void> => {
    const askedAt = performance.now();
    const stats = await docker.get<Stats>(`/containers/${Id}/stats?stream=false&one-shot=true`).catch(() => null);
    if (stats === null) return;
    const monotonic = performance.now();
    const sample = { cpuNanoseconds: stats.cpu_stats.cpu_usage?.total_usage ?? 0, monotonic };
    const usage = usageOf(stats, sample, before?.sample ?? sinceStart(State.StartedAt, monotonic), Date.now());
    last.set(Id, { life: State.StartedAt, askedAt, sample, usage });
  };
  return {
    of(container) {
      const { Id, State } = container;
      const known = last.get(Id);
      const before = known?.life === State.StartedAt ? known : undefined;
      const isFresh = before !== undefined && performance.now() - before.askedAt < FRESH_MS;
      if (!isFresh && !asking.has(Id)) {
        asking.add(Id);
        void ask(container, before).finally(() => asking.delete(Id));
      }
      return before?.usage ?? null;
    },
  };
}

/** The first look takes the whole life of the container. */
function sinceStart(startedAt: string, monotonic: number): Sample {
  return { cpuNanoseconds: 0, monotonic: monotonic - Math.max(1, Date.now() - Date.parse(startedAt)) };
}

export function usageOf({ memory_stats }: Stats, now: Sample, before: Sample, at: Instant): Usage | null {
  const { usage = 0, limit = 0, stats = {} } = memory_stats;
  if (limit <= 0) return null;
  // Pages of files that can be dropped at any time are no use of its own: the figure that `docker stats` shows.
  const droppable = stats["inactive_file"] ?? stats["total_inactive_file"] ?? 0;
  const rssBytes = Math.max(0, usage - Math.min(droppable, usage));
  const elapsedMs = now.monotonic - before.monotonic;
  const cpuMs = Math.max(0, now.cpuNanoseconds - before.cpuNanoseconds) / 1_000_000;
  return { cpu: elapsedMs <= 0 ? 0 : cpuMs / elapsedMs, rssBytes, memory: rssBytes / limit, openFiles: 0, at };
}
