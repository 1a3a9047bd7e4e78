import type { Plan } from "../../../src/core/plan/plan.ts";
import { HOUR, MINUTE, SECOND } from "../../../src/core/time/time.ts";
import type { Random } from "../random.ts";
import { type Behaviour, GOOD } from "../world/app.ts";
import type { Trouble } from "../world/troubles.ts";
import type { EngineProcess } from "../world/wire.ts";
import { drawBehaviour, drawTwin } from "./behaviours.ts";
import { drawPress, type Press } from "./presses.ts";
import { drawPlan, drawServices, firstPlan, judged, migrated, twinned } from "./plans.ts";

/** What a seed's world is made of, and everything that goes wrong in it. Plain data. */
export interface Scenario {
  readonly behaviours: Readonly<Record<string, Behaviour>>;
  /** Of whichever version's twin. */
  readonly twin: Behaviour;
  readonly perSecond: number;
  readonly pace: { readonly busyMs: number; readonly idleMs: number };
  readonly patrol: boolean;
  /** How the first version comes there: by a release, or taken over while it runs; or nothing serves when trouble begins. */
  readonly beginning: "released" | "adopted" | "empty";
  readonly first: Plan;
  /** Released one after the other as v2, v3, v4. */
  readonly plans: readonly Plan[];
  readonly incidents: readonly Incident[];
  readonly presses: readonly Press[];
  readonly troubledMs: number;
  /** Whether an engine's process is killed at a call, and at which. */
  readonly dooms: readonly EngineProcess["doom"][];
  /** How long nobody notices that no engine acts. */
  readonly restartAfterMs: readonly [number, number];
}

export type Incident = { readonly atMs: number } & (
  | { readonly kind: "trouble"; readonly trouble: Trouble; readonly forMs: number }
  | { readonly kind: "kill" | "dispose" | "rival" | "lose-lock" | "restart-plane" | "crash-instance" }
  | { readonly kind: "stop"; readonly forMs: number }
  | { readonly kind: "sicken"; readonly forMs: number }
  | { readonly kind: "meddle"; readonly share: number }
  | { readonly kind: "clock"; readonly byMs: number }
);

export function drawScenario(random: Random): Scenario {
  const mood = random.pick(["calm", "crashes", "outside", "people", "all", "all"] as const);
  const isStubborn = random.chance(0.04);
  const troubledMs = isStubborn ? 140 * SECOND : random.between(20, 90) * SECOND;
  const services = drawServices(random.fork("services"));
  const some = (most: number): number => random.between(0, most);
  const many = (most: number): number => random.between(1, most);
  const incidents = { calm: 0, crashes: many(4), outside: many(6), people: some(1), all: many(8) }[mood];
  const presses = { calm: 0, crashes: some(2), outside: some(2), people: many(10), all: many(8) }[mood];
  const dooms = { calm: 0, crashes: many(5), outside: 0, people: 0, all: some(4) }[mood];
  const plans = random.fork("plans");
  return {
    behaviours: {
      v2: drawBehaviour(random.fork("v2")),
      v3: drawBehaviour(random.fork("v3")),
      v4: GOOD,
    },
    twin: drawTwin(random.fork("twin")),
    perSecond: random.pick([20, 100, 300, 600]),
    pace: { busyMs: random.pick([200, 500, 500, 1_000, 1_000]), idleMs: SECOND },
    patrol: random.chance(0.3),
    beginning:
      random.chance(0.8) || services.every(({ routes }) => routes.length === 0)
        ? "released"
        : random.pick(["adopted", "empty"]),
    first: firstPlan(plans, services),
    plans: [drawPlan(plans, services), drawPlan(plans, services), drawPlan(plans, services)].map((plan, index) =>
      migrated(
        random.fork(`schema ${index}`),
        twinned(random.fork(`twin ${index}`), judged(random.fork(`judge ${index}`), plan)),
      ),
    ),
    incidents: [
      ...Array.from({ length: incidents }, () => drawIncident(random, troubledMs, mood)),
      ...(isStubborn ? [drawStubbornness(random)] : []),
    ],
    presses: [
      ...Array.from({ length: presses }, () => drawPress(random, troubledMs)),
      ...(isStubborn
        ? [{ ...drawPress(random, troubledMs), button: "rollback" as const, sawMsAgo: 0, atMs: 30 * SECOND }]
        : []),
    ],
    troubledMs,
    dooms: Array.from({ length: dooms }, () => drawDoom(random)),
    restartAfterMs: random.pick([
      [0, 1_000],
      [0, 5_000],
      [1_000, 40_000],
    ]),
  };
}

/** What a rollback needs does not work for longer than it is tried. */
function drawStubbornness(random: Random): Incident {
  const trouble = random.pick(["keeper-stops-nothing", "keeper-starts-nothing", "keeper-away"] as const);
  return { atMs: random.between(5, 28) * SECOND, kind: "trouble", trouble, forMs: 110 * SECOND };
}

function drawDoom(random: Random): NonNullable<EngineProcess["doom"]> {
  const of = random.pick(["changes", "changes", "all"] as const);
  return { left: random.between(1, of === "changes" ? 40 : 400), of, when: random.pick(["before", "after"]) };
}

/** Most is going on at the beginning of a release. */
function drawMoment(random: Random, troubledMs: number): number {
  return random.between(0, random.chance(0.6) ? Math.min(troubledMs, 25 * SECOND) : troubledMs);
}

const OUTSIDE: readonly Trouble[] = [
  "plane-slow",
  "plane-deaf",
  "plane-loses-answers",
  "plane-twice",
  "plane-lies",
  "plane-away",
  "keeper-slow",
  "keeper-away",
  "keeper-loses-answers",
  "keeper-stops-nothing",
  "keeper-starts-nothing",
  "store-refuses",
  "store-refuses",
  "store-slow",
  "store-unsure",
  "probes-fail",
  "tasks-flaky",
  "checks-fail",
  "notifier-down",
  "incident",
  "rows-lost",
  "no-visitors",
];

function drawIncident(random: Random, troubledMs: number, mood: string): Incident {
  const atMs = drawMoment(random, troubledMs);
  const forMs = random.pick([1, 3, 10, 30, 60, 100]) * SECOND;
  const ofEngine = random.pick(["kill", "dispose", "rival", "stop", "stop", "lose-lock"] as const);
  const kind =
    mood === "crashes"
      ? ofEngine
      : random.pick([
          "trouble",
          "trouble",
          "trouble",
          "trouble",
          ofEngine,
          ofEngine,
          "restart-plane",
          "crash-instance",
          "sicken",
          "meddle",
          "clock",
        ] as const);
  switch (kind) {
    case "trouble":
      return { atMs, kind, trouble: random.pick(OUTSIDE), forMs };
    case "stop":
    case "sicken":
      return { atMs, kind, forMs };
    case "meddle":
      return { atMs, kind, share: random.pick([0, 100, 5_000, 10_000]) };
    case "clock":
      return { atMs, kind, byMs: random.pick([-HOUR, -MINUTE, -2 * SECOND, 2 * SECOND, MINUTE, HOUR]) };
    case "kill":
    case "dispose":
    case "rival":
    case "lose-lock":
    case "restart-plane":
    case "crash-instance":
      return { atMs, kind };
  }
}
