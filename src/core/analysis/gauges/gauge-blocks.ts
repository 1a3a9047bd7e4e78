import type { InstanceSeen } from "../../observation.ts";
import { type Guard, type GuardId, guardId } from "../../plan/guard.ts";
import { MINUTE, SECOND } from "../../time/time.ts";
import { isSourced, newestOf, type SourcedGuard, valueOf } from "../sources/source-figures.ts";
import { isOfBlocks } from "../evidence/tested-limits.ts";
import type { Look } from "../look.ts";
import type { View } from "../views.ts";

/** What the processes of both versions used, or a source said of them, in blocks of minutes: figures of neighbouring seconds are nearly the same one. */
export interface GaugeBlocks {
  /** How long a block is: 1, and twice as long whenever there are too many. */
  readonly minutes: number;
  readonly blocks: readonly GaugeBlock[];
  readonly open: OpenBlock | null;
}

/** Means over one block, in the metric's unit. */
export interface GaugeBlock {
  /** Minutes from the end of the warm-up to the block's middle. */
  readonly at: number;
  readonly candidate: number;
  /** null: stable was not seen beside it. */
  readonly stable: number | null;
}

interface OpenBlock {
  readonly index: number;
  readonly looks: number;
  readonly candidate: number;
  readonly stable: number;
  readonly looksAtStable: number;
}

/** Nothing was seen yet. */
export const NO_BLOCKS: GaugeBlocks = { minutes: 1, blocks: [], open: null };

/** What a version that just began to serve at this share uses says nothing of how it goes on. */
const WARM_UP_SECONDS = 120;

/** Seconds of a step that are left out: a figure that reaches far back is still one of before. */
export function warmUpOf({ source }: Guard): number {
  return Math.max(WARM_UP_SECONDS, Math.ceil((source?.reachMs ?? 0) / SECOND));
}

/** Figures that share most of what they are made of, or that are the same one asked once, are one block and not several. */
export function blockMinutesOf({ source }: Guard): number {
  return source === undefined ? 1 : Math.max(1, Math.ceil(Math.max(source.everyMs, source.reachMs) / MINUTE));
}

/** At most so many are kept: then two become one. */
const MOST_BLOCKS = 60;
/** A block of which less was looked at is left out, 0 … 1. */
const LEAST_SEEN = 0.5;
/** Loads of an instance that differ by more than this say nothing of each other's CPU. */
const ALIKE_UP_TO = 1.5;

/** The blocks of each guard that needs any. */
export type Gauges = Readonly<Record<GuardId, GaugeBlocks>>;

/** One look more of each guard that needs blocks, by what it sees. */
export function watchGauges(before: Gauges, guards: readonly Guard[], viewOf: (guard: Guard) => View): Gauges {
  const needing = guards.filter((guard) =>
    Object.values(guard.limits).some((limits) => limits.some((limit) => isOfBlocks(guard, limit))),
  );
  const watched = needing.map((guard) => [guardId(guard), watchGauge(before[guardId(guard)], guard, viewOf(guard))]);
  return { ...before, ...Object.fromEntries(watched) };
}

function watchGauge(known: GaugeBlocks | undefined, guard: Guard, view: View): GaugeBlocks {
  const { look } = view;
  const before = known ?? { ...NO_BLOCKS, minutes: blockMinutesOf(guard) };
  const second = look.toSecond - look.fromSecond - warmUpOf(guard);
  if (second < 0) return before;
  if (isSourced(guard)) return addReading(before, second, guard, look);
  const { metric } = guard;
  const of = (version: string | null): number | null =>
    gaugeOf(
      metric,
      look.instances.filter((instance) => instance.version === version),
    );
  const isComparable = metric !== "cpu" || loadsOf(view).areAlike;
  return addLook(before, second, of(look.candidate), isComparable ? of(look.stable) : null);
}

/** What was said last stands until the source says something else. */
function addReading(before: GaugeBlocks, second: number, guard: SourcedGuard, look: Look): GaugeBlocks {
  const newest = newestOf(guard, look);
  const [candidate = null] = valueOf(newest?.candidate ?? null);
  const [stable = null] = valueOf(newest?.stable ?? null);
  return addLook(before, second, candidate, stable);
}

/** Requests a second that an instance of each version answers; CPU is compared only where they are about the same. */
export function loadsOf({ look, windows }: View): {
  readonly candidate: number;
  readonly stable: number;
  readonly areAlike: boolean;
} {
  const { candidate, stable, windowMs } = windows(MINUTE);
  const each = (requests: number, version: string | null): number => {
    const count = look.instances.filter((instance) => instance.version === version).length;
    return count === 0 || windowMs === 0 ? 0 : (requests * SECOND) / windowMs / count;
  };
  const loads = {
    candidate: each(candidate.requests, look.candidate),
    stable: each(stable?.requests ?? 0, look.stable),
  };
  const [less, more] = [Math.min(loads.candidate, loads.stable), Math.max(loads.candidate, loads.stable)];
  return { ...loads, areAlike: less > 0 && more <= ALIKE_UP_TO * less };
}

/** `second`: since the warm-up ended. */
function addLook(before: GaugeBlocks, second: number, candidate: number | null, stable: number | null): GaugeBlocks {
  const index = Math.floor(second / (60 * before.minutes));
  const closed = before.open === null || before.open.index === index ? before : halved(withClosed(before, before.open));
  if (candidate === null) return closed;
  const open = closed.open ?? {
    index: Math.floor(second / (60 * closed.minutes)),
    looks: 0,
    candidate: 0,
    stable: 0,
    looksAtStable: 0,
  };
  return {
    ...closed,
    open: {
      ...open,
      looks: open.looks + 1,
      candidate: open.candidate + candidate,
      stable: open.stable + (stable ?? 0),
      looksAtStable: open.looksAtStable + (stable === null ? 0 : 1),
    },
  };
}

/** What the instances of one version use: of CPU their mean, of memory the worst. null: not known. */
export function gaugeOf(metric: string, instances: readonly InstanceSeen[]): number | null {
  const samples = instances.flatMap(({ usage }) =>
    usage === undefined ? [] : [metric === "cpu" ? usage.cpu : usage.memory],
  );
  if (samples.length === 0) return null;
  return metric === "cpu" ? samples.reduce((sum, sample) => sum + sample, 0) / samples.length : Math.max(...samples);
}

function withClosed({ minutes, blocks }: GaugeBlocks, open: OpenBlock): GaugeBlocks {
  const least = LEAST_SEEN * 60 * minutes;
  if (open.looks < least) return { minutes, blocks, open: null };
  const block = {
    at: (open.index + 0.5) * minutes,
    candidate: open.candidate / open.looks,
    stable: open.looksAtStable < least ? null : open.stable / open.looksAtStable,
  };
  return { minutes, blocks: [...blocks, block], open: null };
}

/** Two blocks of an even and an odd number become one, so that those that follow fit beside them. */
function halved(all: GaugeBlocks): GaugeBlocks {
  if (all.blocks.length < MOST_BLOCKS) return all;
  const pairs = Map.groupBy(all.blocks, ({ at }) => Math.floor(at / (2 * all.minutes)));
  const blocks = [...pairs].map(([index, pair]): GaugeBlock => {
    const stable = pair.flatMap((block) => (block.stable === null ? [] : [block.stable]));
    return {
      at: (index + 0.5) * 2 * all.minutes,
      candidate: mean(pair.map(({ candidate }) => candidate)),
      stable: stable.length < pair.length ? null : mean(stable),
    };
  });
  return { minutes: 2 * all.minutes, blocks, open: null };
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
