import { deepEqual, equal, match, ok } from "node:assert/strict";
import { describe, it } from "node:test";
import type { GaugeBlocks } from "../../../src/core/analysis/gauges/gauge-blocks.ts";
import { FRESH_JUDGE, judge, type JudgeState } from "../../../src/core/analysis/judge.ts";
import type { Look } from "../../../src/core/analysis/look.ts";
import { createRandom } from "../../../src/core/analysis/statistics/random.ts";
import type { InstanceSeen, SecondRow } from "../../../src/core/observation.ts";
import type { Guard, Limit, Verdict } from "../../../src/core/plan/guard.ts";
import { look as lookAt } from "./support/watched-seconds.ts";

const PLAIN = { windowMs: 60_000, minRequests: 100, minEvents: 3, breaches: 3 };
const HALF_MORE: Limit = { kind: "relative", factor: 1.5 };
const FIVE_AN_HOUR: Limit = { kind: "growth", value: 0.05 };
const MINUTES = 60;
const EVERY = 1;

describe("a guard that compares memory with stable's", () => {
  it("says how many minutes it has seen until there are ten, and passes then what uses no more", () => {
    const guard = onMemory("hold", HALF_MORE);
    const told = watch(guard, 14 * MINUTES, () => [0.4, 0.4]);
    equal(told.at(60)?.verdict, "inconclusive");
    match(told.at(60)?.sentence ?? "", /^memory 40% against 40%, limit 1\.5x; 0 of 10 minutes were seen$/);
    match(told.at(8 * MINUTES)?.sentence ?? "", /; 6 of 10 minutes were seen$/);
    equal(told.at(14 * MINUTES - 1)?.verdict, "pass");
  });

  it("fails what uses twice as much as soon as ten minutes were seen", () => {
    const told = watch(onMemory("rollback", HALF_MORE), 14 * MINUTES, (second) => [
      noisy(0.6, second),
      noisy(0.3, -second),
    ]);
    equal(told.at(11 * MINUTES)?.verdict, "inconclusive");
    const last = told.at(14 * MINUTES - 1);
    deepEqual([last?.verdict, last?.level], ["fail", "rollback"]);
    match(last?.sentence ?? "", /^memory \d+% against \d+%, limit 1\.5x, 11 blocks$/);
  });

  it("keeps nobody waiting when it only warns", () => {
    const told = watch(onMemory("warn", HALF_MORE), 14 * MINUTES, () => [0.8, 0.4]);
    equal(told.at(60)?.verdict, "pass");
    equal(told.at(14 * MINUTES - 1)?.level, "warn");
  });

  it("does not fail one that uses just as much as is allowed, however often it looks and however its figures wander", () => {
    const failed = Array.from({ length: 60 }, (_, seed) => {
      const wander = [wandering(seed), wandering(1_000 + seed)] as const;
      const told = watch(onMemory("rollback", HALF_MORE), 90 * MINUTES, () => [0.45 + wander[0](), 0.3 + wander[1]()]);
      return told.some(({ verdict }) => verdict === "fail");
    }).filter(Boolean).length;
    ok(failed <= 3, `${failed} of 60`);
  });

  it("never passes when nothing is known of the processes", () => {
    const told = watch(onMemory("hold", HALF_MORE), 20 * MINUTES, () => [null, 0.4]);
    ok(told.every(({ verdict }) => verdict === "no-data"));
    const withoutStable = watch(onMemory("hold", HALF_MORE), 20 * MINUTES, () => [0.4, null]);
    ok(withoutStable.every(({ verdict }) => verdict === "inconclusive"));
  });
});

describe("a guard on the growth of memory", () => {
  it("finds a leak of a fifth an hour", () => {
    const told = watch(onMemory("hold", FIVE_AN_HOUR), 120 * MINUTES, (second) => [
      noisy(0.4 * (1 + (0.2 * second) / 3_600), second),
      noisy(0.4, -second),
    ]);
    const first = told.findIndex(({ verdict }) => verdict === "fail");
    ok(first >= 12 * MINUTES && first < 60 * MINUTES, `second ${first}`);
    match(told[first]?.sentence ?? "", /^memory grows \+\d+% an hour beside stable's \(± [\d.]+%\), limit \+5%\/h$/);
  });

  it("says what it would take when half an hour can't tell", () => {
    const told = watch(onMemory("hold", { kind: "growth", value: 0.02 }), 30 * MINUTES, (second) => [
      noisy(0.4, second, 0.02),
      noisy(0.4, -second, 0.02),
    ]);
    equal(told.at(-1)?.verdict, "inconclusive");
    match(told.at(-1)?.sentence ?? "", /, limit \+2%\/h; to tell that from none it takes about [\dhm ]+$/);
  });

  it("passes when both versions grow alike: that is not the new version's", () => {
    const both = (second: number): number => 0.3 * (1 + (0.2 * second) / 3_600);
    const told = watch(onMemory("hold", FIVE_AN_HOUR), 90 * MINUTES, (second) => [
      noisy(both(second), second),
      noisy(both(second), -second),
    ]);
    ok(told.every(({ verdict }) => verdict !== "fail"));
    equal(told.at(-1)?.verdict, "pass");
  });

  it("looks at the new version alone when nothing serves beside it, and says so", () => {
    const told = watch(onMemory("hold", FIVE_AN_HOUR), 90 * MINUTES, (second) => [
      noisy(0.4 * (1 + (0.3 * second) / 3_600), second),
      null,
    ]);
    equal(told.at(-1)?.verdict, "fail");
    match(told.at(-1)?.sentence ?? "", /^memory grows \+\d+% an hour \(±/);
  });

  it("goes on for days in sixty blocks, and another engine goes on with them", () => {
    const guard = onMemory("hold", FIVE_AN_HOUR);
    const leak = (second: number): [number, number] => [noisy(0.3 * (1 + (0.1 * second) / 3_600), second), 0.3];
    const whole = watch(guard, 600 * MINUTES, leak, 10);
    const blocks = whole.state.gathered.gauges?.memory;
    ok((blocks?.blocks.length ?? 99) <= 60);
    equal(blocks?.minutes, 16);
    const copy = JSON.parse(JSON.stringify(whole.state)) as JudgeState;
    const restored: GaugeBlocks | undefined = copy.gathered.gauges?.memory;
    deepEqual(restored?.blocks, blocks?.blocks);
    const next = judge(
      { ...copy, step: {} },
      look(guard, 600 * MINUTES + 1, instances([leak(36_001)[0], leak(36_001)[1]])),
    );
    equal(next.verdicts[0]?.verdict, "fail");
  });
});

describe("a guard that compares CPU with stable's", () => {
  const guard: Guard = { ...PLAIN, metric: "cpu", limits: { hold: [HALF_MORE] } };

  it("does so where an instance of each answers about as much", () => {
    const told = watch(guard, 14 * MINUTES, (second) => [noisy(0.5, second), noisy(0.2, -second)], EVERY, [50, 50]);
    equal(told.at(-1)?.verdict, "fail");
  });

  it("says why not where one is asked far less than the other", () => {
    const told = watch(guard, 14 * MINUTES, () => [0.1, 0.5], EVERY, [5, 95]);
    equal(told.at(-1)?.verdict, "inconclusive");
    match(
      told.at(-1)?.sentence ?? "",
      /; not to be compared while an instance answers 5 requests\/s and one of stable 95$/,
    );
  });
});

function onMemory(level: "warn" | "hold" | "rollback", ...limits: Limit[]): Guard {
  return { ...PLAIN, metric: "memory", limits: { [level]: limits } };
}

/** A hundredth up and down, the same for the same number. */
function noisy(value: number, seed: number, by = 0.01): number {
  return value * (1 + by * createRandom(seed * 7_919 + 12_345).normal());
}

/** Neighbouring figures are alike: it forgets a half in about three minutes. */
function wandering(seed: number): () => number {
  const random = createRandom(seed);
  let at = 0;
  return () => {
    at = 0.996 * at + 0.0012 * random.normal();
    return at;
  };
}

function watch(
  guard: Guard,
  seconds: number,
  used: (second: number) => readonly [candidate: number | null, stable: number | null],
  every = EVERY,
  rps?: readonly [number, number],
): Verdict[] & { state: JudgeState } {
  let state: JudgeState = FRESH_JUDGE;
  const verdicts: Verdict[] = [];
  for (let second = 1; second <= seconds; second += every) {
    for (let again = 0; again < every; again += 1) {
      // As many looks as seconds, so that a block is full.
      const result = judge(state, look(guard, second + again, instances(used(second)), rps));
      state = result.state;
      if (again === 0) verdicts.push(...result.verdicts);
    }
  }
  return Object.assign(verdicts, { state });
}

function instances([candidate, stable]: readonly [number | null, number | null]): readonly InstanceSeen[] {
  const of = (version: string, value: number | null): readonly InstanceSeen[] =>
    value === null
      ? []
      : [
          {
            id: version,
            slot: version === "v1" ? "blue" : "green",
            version,
            state: "running",
            restarts: 0,
            adopted: false,
            usage: { cpu: value, memory: value, rssBytes: 0, openFiles: 0, at: 0 },
          } as InstanceSeen,
        ];
  return [...of("v2", candidate), ...of("v1", stable)];
}

function look(
  guard: Guard,
  toSecond: number,
  seen: readonly InstanceSeen[],
  rps: readonly [number, number] = [10, 10],
): Look {
  return lookAt([guard], guard.metric === "cpu" ? rowsUpTo(toSecond, rps) : [], { toSecond, instances: seen });
}

function rowsUpTo(second: number, [candidate, stable]: readonly [number, number]): readonly SecondRow[] {
  return Array.from({ length: Math.min(60, second) }, (_, index) => [
    row(second - index, "v2", candidate),
    row(second - index, "v1", stable),
  ]).flat();
}

function row(second: number, version: string, requests: number): SecondRow {
  return {
    second,
    version,
    requests,
    status: { ok: requests, redirect: 0, client: 0, server: 0, failed: 0 },
    latency: {},
    webSockets: { opened: 0, failed: 0 },
    worst: [],
    mixed: false,
  };
}
