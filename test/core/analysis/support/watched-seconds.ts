import { bucketOf } from "../../../../src/core/analysis/histogram.ts";
import { FRESH_JUDGE, judge, type Judgement, type JudgeState } from "../../../../src/core/analysis/judge.ts";
import type { Look } from "../../../../src/core/analysis/look.ts";
import type { SecondRow } from "../../../../src/core/observation.ts";
import type { Guard } from "../../../../src/core/plan/guard.ts";

export interface Side {
  readonly n: number;
  readonly bad?: number;
  readonly ms?: number;
}

/** The candidate v2 and stable v1 in one second. */
export function bothIn(second: number, candidate: Side, stable: Side): readonly SecondRow[] {
  return [row(second, "v2", candidate), row(second, "v1", stable)];
}

/** Seconds 1 … `count`; a side may differ from second to second. */
export function seconds(
  count: number,
  candidate: Side | ((second: number) => Side),
  stable: Side | ((second: number) => Side) = { n: 190 },
): readonly SecondRow[] {
  const at = (side: Side | ((second: number) => Side), second: number): Side =>
    typeof side === "function" ? side(second) : side;
  return Array.from({ length: count }, (_, index) =>
    bothIn(index + 1, at(candidate, index + 1), at(stable, index + 1)),
  ).flat();
}

function row(second: number, version: string, { n, bad = 0, ms = 40 }: Side): SecondRow {
  return {
    second,
    version,
    requests: n,
    status: { ok: n - bad, redirect: 0, client: 0, server: bad, failed: 0 },
    latency: n === 0 ? {} : { [bucketOf(ms)]: n },
    webSockets: { opened: 0, failed: 0 },
    worst: [],
    mixed: false,
  };
}

export function look(guards: readonly Guard[], rows: readonly SecondRow[], more: Partial<Look> = {}): Look {
  return {
    judge: 2,
    guards,
    candidate: "v2",
    stable: "v1",
    rows,
    fromSecond: 1,
    toSecond: rows.at(-1)?.second ?? 0,
    sourceDown: null,
    instances: [],
    restartsBefore: {},
    watchedBeforeMs: 0,
    baseline: null,
    plannedMs: 600_000,
    moments: 14,
    alpha: 0.01,
    ...more,
  };
}

/** A look a second, from the first second to the last. */
export function judgements(
  guards: readonly Guard[],
  rows: readonly SecondRow[],
  more: (second: number) => Partial<Look> = () => ({}),
  from: JudgeState = FRESH_JUDGE,
): readonly Judgement[] {
  let state = from;
  return Array.from({ length: rows.at(-1)?.second ?? 0 }, (_, index) => {
    const result = judge(state, look(guards, rows, { toSecond: index + 1, ...more(index + 1) }));
    state = result.state;
    return result;
  });
}
