import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { eventJson } from "../../src/cli/render/event-json.ts";
import { eventLine } from "../../src/cli/render/event-line.ts";
import type { ReleaseEvent } from "../../src/core/release/event.ts";
import { evolve } from "../../src/core/release/evolve.ts";
import type { Release } from "../../src/core/release/release.ts";
import type { Step } from "../../src/core/plan/step.ts";
import { planOf, step } from "../support/plans.ts";

/** Each event of a history with the state that has it in it, as a follower sees them. */
function follow(
  events: readonly ReleaseEvent[],
): readonly { readonly event: ReleaseEvent; readonly release: Release; readonly before: Release | null }[] {
  let release: Release | null = null;
  return events.map((event, index) => {
    const before = release;
    release = evolve(before, { event, at: { wall: 1_000 + index, watched: index } });
    return { event, release, before };
  });
}

const PLANNED: ReleaseEvent = {
  type: "planned",
  release: 7,
  app: "shop",
  environment: "production",
  stable: { version: "a1f09cdd", label: "a1f09c", slot: "blue" },
  candidate: { version: "9f2c1edd", label: "9f2c1e", slot: "green" },
  offset: 0,
  plan: planOf([step.start(), step.shift(5, 60_000), step.shift(100, 60_000)]),
  planHash: "cafe",
  by: "ann",
};

const BAD = {
  metric: "errors",
  verdict: "fail",
  level: "rollback",
  sentence: "errors 5.9% (4/68), limit 1%",
  figures: { candidate: 0.059, stable: 0, limit: 0.01, n: 68, nStable: 1_302, k: 4, windowMs: 60_000 },
} as const;
const BECAUSE = { kind: "guard", sentence: BAD.sentence, verdict: BAD } as const;
const EVIDENCE = { routes: [], lines: [], commits: ["Round totals"], missing: [] };

const HISTORY: readonly ReleaseEvent[] = [
  PLANNED,
  { type: "started" },
  { type: "step-started", step: "start", attempt: 1 },
  { type: "step-passed", step: "start", because: { kind: "time", sentence: "start: done." } },
  { type: "step-started", step: "shift-5", attempt: 1 },
  {
    type: "effect-requested",
    key: "7/shift-5/1/share",
    within: { kind: "step", step: "shift-5", attempt: 1 },
    name: "share",
    try: 1,
    effect: { kind: "share", share: 500 },
    inverse: null,
  },
  { type: "effect-confirmed", key: "7/shift-5/1/share", observed: { sharePercent: 5 }, tookMs: 12 },
  { type: "watch-checkpoint" },
  { type: "verdict-changed", step: "shift-5", verdict: BAD },
  { type: "held", step: "shift-5", because: BECAUSE, needsPerson: false },
  { type: "paused", by: "bob", reason: "looking" },
  { type: "resumed", by: "bob" },
  { type: "step-failed", step: "shift-5", because: BECAUSE },
  { type: "rollback-decided", because: BECAUSE, by: null },
  {
    type: "effect-requested",
    key: "7/undo/1/gather-evidence",
    within: { kind: "undo" },
    name: "gather-evidence",
    try: 1,
    effect: { kind: "gather-evidence" },
    inverse: null,
  },
  { type: "effect-confirmed", key: "7/undo/1/gather-evidence", observed: EVIDENCE, tookMs: 3 },
  { type: "rolled-back", sentence: "100% on a1f09c, read back." },
];

describe("an event as a line of --json", () => {
  const documents = follow(HISTORY).map(({ event, release }, index) =>
    eventJson(
      { release: 7, seq: index + 1, epoch: 1, hash: "", event, at: { wall: 1_000 + index, watched: 0 } },
      release,
    ),
  );
  const of = (type: string): Readonly<Record<string, unknown>> =>
    documents.find((document) => document?.["type"] === type) ?? {};

  it("says what, of which release, and when", () => {
    for (const [index, document] of documents.entries()) {
      if (document === null) continue;
      assert.equal(document["release"], 7);
      assert.equal(document["seq"], index + 1);
      assert.equal(document["atMs"], 1_000 + index);
      assert.equal(JSON.stringify(document).includes("undefined"), false);
    }
    assert.deepEqual(
      documents.map((document) => document?.["type"] ?? null),
      [
        "release-planned",
        "release-started",
        "step-started",
        "step-passed",
        "step-started",
        "effect-started",
        "effect-confirmed",
        null,
        "verdict",
        "held",
        "paused",
        "resumed",
        "step-failed",
        "rollback-decided",
        "effect-started",
        "effect-confirmed",
        "rolled-back",
      ],
    );
  });

  it("has shares in percent, and steps by id, name and number", () => {
    assert.deepEqual(of("held"), {
      type: "held",
      release: 7,
      seq: 10,
      atMs: 1_009,
      step: "shift-5",
      name: "shift 5%",
      number: 2,
      sharePercent: 5,
      needsPerson: false,
      because: "guard",
      sentence: BAD.sentence,
    });
    assert.equal(of("rollback-decided")["fromSharePercent"], 5);
    assert.equal(documents[5]?.["sharePercent"], 5);
  });

  it("hands over the evidence with the rollback", () => {
    assert.deepEqual(of("rolled-back")["evidence"], EVIDENCE);
  });

  it("leaves the frozen plan out of the first line, but not its hash", () => {
    assert.equal(of("release-planned")["planHash"], "cafe");
    assert.equal("plan" in of("release-planned"), false);
  });
});

describe("an event as a line of a log", () => {
  const style = { width: 100, colours: false, unicode: true };

  it("is a sentence, and nothing where nobody needs to know", () => {
    assert.deepEqual(
      follow(HISTORY).flatMap(({ event, release, before }) => eventLine(event, release, before, style) ?? []),
      [
        "release 7: shop a1f09c → 9f2c1e production, by ann",
        "● start",
        "✔ start 1ms",
        "● shift 5%",
        "5% of the traffic on 9f2c1e, read back after 12ms",
        "fail (rollback): errors 5.9% (4/68), limit 1%",
        "held at 5%: errors 5.9% (4/68), limit 1%. Goes on once that is over.",
        "paused by bob: looking",
        "resumed by bob",
        "✖ shift 5% 8ms: errors 5.9% (4/68), limit 1%",
        "✖ rolling back from 5%: errors 5.9% (4/68), limit 1%",
        "rolled back: 100% on a1f09c, read back.",
      ],
    );
  });

  it("calls what failed as people call it: a checklist's item by its text, and no step twice", () => {
    const items = [{ id: "before", text: "The disk has room", headings: [], ticked: false }];
    const check: Step = {
      ...step.approve("check-ready"),
      kind: "check",
      checklist: { source: "ready.md", items },
      boundMs: 0,
    };
    const plan = planOf([check, step.migrate("expand"), step.start(), step.shift(100, 60_000)]);
    const failed = (of: string, name: string): ReleaseEvent => ({
      type: "effect-failed",
      key: `7/${of}/1/${name}`,
      fault: { code: "x", what: "It fails." },
      tookMs: 5,
    });
    const lines = follow([
      { ...PLANNED, plan },
      { type: "started" },
      failed(check.id, "check-before"),
      failed(step.migrate("expand").id, "migrate"),
    ]).flatMap(({ event, release, before }) => eventLine(event, release, before, style) ?? []);
    assert.deepEqual(lines.slice(1), [
      `✖ ${check.name}, "The disk has room": It fails.`,
      "✖ migrate expand: It fails.",
    ]);
  });

  it("tells of a failure everything the first time, and then only that it failed again", () => {
    const failing = (number: number): readonly ReleaseEvent[] => [
      {
        type: "effect-requested",
        key: "7/start/1/start",
        within: { kind: "step", step: "start", attempt: 1 },
        name: "start",
        try: number,
        effect: { kind: "prepare", version: "9f2c1e" },
        inverse: null,
      },
      {
        type: "effect-failed",
        key: "7/start/1/start",
        fault: { code: "x", what: "It ended with code 1.", cause: "no .env", detail: ["Error: DATABASE_URL"] },
        tookMs: 5,
      },
    ];
    const lines = follow([...HISTORY.slice(0, 3), ...failing(1), ...failing(2)]).flatMap(
      ({ event, release, before }) => eventLine(event, release, before, style) ?? [],
    );
    assert.deepEqual(lines.slice(2), [
      "✖ start: It ended with code 1.\nno .env\nError: DATABASE_URL",
      "✖ start again (try 2): It ended with code 1.",
    ]);
    const many = follow([...HISTORY.slice(0, 3), ...Array.from({ length: 40 }, (_, n) => failing(n + 1)).flat()]);
    const tries = many.flatMap(({ event, release, before }) => eventLine(event, release, before, style) ?? []).slice(3);
    assert.deepEqual(
      tries.map((line) => /try (\d+)/.exec(line)?.[1]),
      ["2", "3", "4", "8", "16", "32"],
    );
  });

  it("says that a guard is well only when it was not, and how a hold ends", () => {
    const figures = { candidate: 0, stable: 0, limit: 0.01, n: 120, nStable: 900, k: 0, windowMs: 20_000 };
    const verdict = (kind: "pass" | "no-data", sentence: string, windowMs = 20_000): ReleaseEvent => ({
      type: "verdict-changed",
      step: "shift-5",
      verdict: { metric: "errors", verdict: kind, sentence, figures: { ...figures, windowMs } },
    });
    const held = (kind: "no-data" | "uncertain"): ReleaseEvent => ({
      type: "held",
      step: "shift-5",
      because: { kind, sentence: "errors unknown" },
      needsPerson: true,
    });
    const lines = (...more: readonly ReleaseEvent[]): readonly string[] =>
      follow([...HISTORY.slice(0, 2), { type: "step-started", step: "shift-5", attempt: 1 }, ...more])
        .slice(3)
        .flatMap(({ event, release, before }) => eventLine(event, release, before, style) ?? []);
    assert.deepEqual(lines(verdict("pass", "errors 0%")), []);
    assert.deepEqual(lines(verdict("no-data", "errors unknown: nothing is counted yet", 0)), []);
    assert.deepEqual(
      lines(verdict("no-data", "errors unknown"), held("no-data"), verdict("pass", "errors 0%"), {
        type: "hold-ended",
        step: "shift-5",
      }),
      [
        "no-data: errors unknown",
        "held at 0%: errors unknown. Whoever acts goes on once that is over; a person can decide before.",
        "pass: errors 0%",
        "goes on",
      ],
    );
    assert.deepEqual(lines(held("uncertain")), ["held at 0%: errors unknown. Needs a person."]);
  });
});
