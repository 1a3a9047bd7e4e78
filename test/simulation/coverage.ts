import type { EventType } from "../../src/core/release/event.ts";
import { evolve } from "../../src/core/release/evolve.ts";
import type { StepKind } from "../../src/core/plan/step.ts";
import type { Release, ReleaseState } from "../../src/core/release/release.ts";
import { EVENT_TYPES } from "../../src/core/release/upcast.ts";
import type { Fact, FactOf } from "./fact.ts";

/** How often each thing that can happen has happened: `event held`, `release running → live`, `effect share failed`. */
export type Coverage = Map<string, number>;

export function addTo(coverage: Coverage, key: string, times = 1): void {
  coverage.set(key, (coverage.get(key) ?? 0) + times);
}

/** Counts what the facts of one world show. */
export function coverageOf(coverage: Coverage): (fact: Fact) => void {
  const releases = new Map<number, Release>();
  const asked = new Map<number, string>();
  const appended = ({ release, events }: FactOf<"appended">): void => {
    for (const stored of events) {
      const { event } = stored;
      const before = releases.get(release) ?? null;
      const after = evolve(before, stored);
      releases.set(release, after);
      addTo(coverage, `event ${event.type}`);
      addTo(coverage, `state ${stateOf(after)}`);
      for (const key of changesBetween(before, after)) addTo(coverage, key);
      if (event.type === "effect-requested") addTo(coverage, `effect ${event.effect.kind} requested`);
      if (event.type === "held") addTo(coverage, `hold ${event.because.kind}`);
      if (event.type === "rollback-decided") addTo(coverage, `rollback ${event.because.kind}`);
    }
  };
  return (fact) => {
    if (fact.kind === "appended") appended(fact);
    if (fact.kind === "asked")
      asked.set(fact.request, fact.body.kind === "release" ? "release" : fact.body.command.kind);
    if (fact.kind === "answered") addTo(coverage, `button ${asked.get(fact.request) ?? ""} ${fact.answer.kind}`);
    if (fact.kind === "process") {
      const isDoom = fact.what === "killed" && fact.detail !== "now";
      addTo(coverage, isDoom ? `killed ${fact.detail ?? ""}` : `engine ${fact.what}`);
    }
    if (fact.kind === "trouble" && fact.begins) addTo(coverage, `trouble ${fact.what}`);
  };
}

/** `undoing` is none of the states that people see, and a place of its own all the same. */
export function stateOf({ state, undo }: Release): string {
  return undo !== null && state !== "rolled-back" && state !== "failed" ? "undoing" : state;
}

function changesBetween(before: Release | null, after: Release): readonly string[] {
  const keys: string[] = [];
  const from = before === null ? "nothing" : stateOf(before);
  if (from !== stateOf(after)) keys.push(`release ${from} → ${stateOf(after)}`);
  for (const [index, now] of after.steps.entries()) {
    const was = before?.steps[index];
    const kind = after.plan.steps[index]?.kind ?? "";
    if (was !== undefined && was.state !== now.state) keys.push(`step ${kind} ${was.state} → ${now.state}`);
    for (const [name, effect] of Object.entries(now.effects))
      if (was?.effects[name]?.state !== effect.state && effect.state !== "requested")
        keys.push(`effect ${effect.effect.kind} ${effect.state}`);
  }
  const besides = [after.undo?.effects, after.earlyRetirement, after.messages] as const;
  const earlier = [before?.undo?.effects, before?.earlyRetirement, before?.messages] as const;
  for (const [index, effects] of besides.entries())
    for (const [name, effect] of Object.entries(effects ?? {}))
      if (earlier[index]?.[name]?.state !== effect.state && effect.state !== "requested")
        keys.push(`effect ${effect.effect.kind} ${effect.state}`);
  return keys;
}

type Place = ReleaseState | "undoing" | "nothing";

/** Every way that a release can go from one place to another. A world that shows another one shows a mistake. */
const MOVES: Readonly<Record<Place, readonly Place[]>> = {
  nothing: ["planned"],
  planned: ["running", "undoing"],
  running: ["live", "undoing"],
  live: ["closed", "undoing", "running"],
  closed: ["undoing"],
  undoing: ["rolled-back", "failed"],
  failed: ["undoing"],
  "rolled-back": [],
};

/** Ways of a step's state, and the kinds of step that have them. */
const STEP_MOVES: readonly { readonly moves: readonly string[]; readonly of: (kind: StepKind) => boolean }[] = [
  { moves: ["waiting → running", "running → passed"], of: () => true },
  // Nothing else stands on its own feet without a start.
  { moves: ["waiting → skipped", "running → skipped"], of: (kind) => kind !== "start" },
  { moves: ["running → failed", "failed → waiting"], of: () => true },
  // What a release stands on can't be left out.
  { moves: ["failed → passed"], of: (kind) => kind !== "start" && kind !== "shift" && kind !== "approve" },
  { moves: ["failed → skipped"], of: (kind) => kind !== "start" },
  // A step back goes to a shift, and past what stands after it; nothing goes back past a start or a retirement.
  { moves: ["passed → running", "skipped → running"], of: (kind) => kind === "shift" },
  {
    moves: ["passed → waiting", "running → waiting", "skipped → waiting"],
    of: (kind) => kind !== "start" && kind !== "retire",
  },
];

export function isKnownMove(from: string, to: string): boolean {
  return (MOVES[from as Place] as readonly string[] | undefined)?.includes(to) ?? false;
}

const EFFECTS = [
  "prepare",
  "start",
  "stop",
  "share",
  "settle",
  "smoke",
  "warm",
  "machine-check",
  "command",
  "notify",
  "backup",
  "migrate",
  "migrate-back",
  "gather-evidence",
  "prune-versions",
] as const;

const BUTTONS = [
  "approve",
  "tick",
  "promote",
  "pause",
  "resume",
  "step-back",
  "rollback",
  "retry",
  "acknowledge",
  "release",
] as const;

const STEPS: readonly StepKind[] = [
  "check",
  "approve",
  "window",
  "backup",
  "migrate",
  "start",
  "smoke",
  "warm",
  "shift",
  "notify",
  "run",
  "retire",
];

/** What can't be reached, and why. */
export const UNREACHABLE: Readonly<Record<string, string>> = {
  "effect gather-evidence failed": "who gathers it never fails: what could not be had is told in it",
  "button release already": "a release is begun or refused",
};

/** Everything that the worlds together should show. */
export function everything(): readonly string[] {
  return [
    ...EVENT_TYPES.map((type: EventType) => `event ${type}`),
    ...Object.entries(MOVES).flatMap(([from, all]) => all.map((to) => `release ${from} → ${to}`)),
    ...STEPS.flatMap((kind) =>
      STEP_MOVES.flatMap(({ moves, of }) => (of(kind) ? moves.map((move) => `step ${kind} ${move}`) : [])),
    ),
    ...EFFECTS.flatMap((kind) =>
      ["requested", "confirmed", "failed", "interrupted"].map((how) => `effect ${kind} ${how}`),
    ),
    ...BUTTONS.flatMap((button) => ["accepted", "already", "refused"].map((how) => `button ${button} ${how}`)),
  ];
}
