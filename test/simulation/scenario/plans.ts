import type { Checklist } from "../../../src/core/plan/checklist.ts";
import type { Guard } from "../../../src/core/plan/guard.ts";
import type { Plan } from "../../../src/core/plan/plan.ts";
import type { Service } from "../../../src/core/plan/service.ts";
import type { Hold, OnFailure, Step } from "../../../src/core/plan/step.ts";
import { SECOND } from "../../../src/core/time/time.ts";
import { WHOLE } from "../../../src/core/traffic/share.ts";
import { planOf, WEB, WORKER } from "../../support/plans.ts";
import type { Random } from "../random.ts";

/** Everything in seconds, so that a whole life fits into minutes of virtual time. */
const QUICK_WEB: Service = {
  ...WEB,
  health: { ready: "/health", everyMs: 2 * SECOND, timeoutMs: SECOND, rise: 1, fall: 3, delayMs: 0 },
  drainMs: 2 * SECOND,
  stopMs: SECOND,
  startMs: 6 * SECOND,
};
const QUICK_WORKER: Service = { ...WORKER, drainMs: SECOND, stopMs: SECOND, startMs: 6 * SECOND };

const PEOPLE = { ann: ["approver"], bob: ["approver", "operator"], eve: ["approver"], tom: ["operator"] } as const;

/** The plan with which the first version comes to an empty place. */
export function firstPlan(random: Random, services: readonly Service[]): Plan {
  return planOf(
    [
      ...begin("rollback"),
      shift(100, { kind: "for", ms: SECOND }, [], "hold"),
      ...(random.chance(0.5) ? [retire()] : []),
    ],
    { services },
  );
}

/** One of the shapes that plan files have. */
export function drawPlan(random: Random, services: readonly Service[]): Plan {
  const guards = drawGuards(random);
  const elsewhere = (): OnFailure => random.pick(["rollback", "rollback", "rollback", "hold", "step-back"] as const);
  const shares = random.pick([[5, 25, 100], [5, 100], [10, 50, 100], [25, 100], [100], [1, 10, 40, 100]]);
  const steps: Step[] = [];
  const some = (chance: number, ...more: readonly (() => Step)[]): void => {
    for (const make of more) if (random.chance(chance)) steps.push(make());
  };
  some(0.2, () => check("before", random));
  some(0.25, () => approve("go", random));
  some(0.35, () => run("before", random));
  steps.push(...begin(random.pick(["rollback", "hold"])));
  some(
    0.3,
    () => smoke(),
    () => warm(),
  );
  some(
    0.12,
    () => approve("ready", random),
    () => openWindow(random),
    () => check("ready", random),
  );
  for (const [index, percent] of shares.entries()) {
    const first = index === 0;
    const onFailure = first ? random.pick(["rollback", "rollback", "hold"] as const) : elsewhere();
    steps.push(shift(percent, drawHold(random), guards, onFailure));
    if (percent < 100)
      some(
        0.2,
        () => approve(`at-${percent}`, random),
        () => run(`at-${percent}`, random),
        () => notify(percent),
      );
    if (random.chance(0.15)) steps.push(random.pick(betweenShifts(percent))(random));
  }
  some(0.25, () => run("after", random));
  some(0.25, () => approve("day-1", random, random.chance(0.5) ? random.between(1, 40) * SECOND : undefined));
  some(0.75, () => (random.chance(0.3) ? { ...retire(), afterMs: random.between(1, 30) * SECOND } : retire()));
  some(0.2, () => approve("day-7", random, random.between(1, 60) * SECOND));
  const people = random.chance(0.3) ? PEOPLE : {};
  const receivers: Plan["notify"] = random.chance(0.4) ? [{ kind: "terminal" }] : [];
  return planOf(steps, {
    services,
    people,
    notify: receivers,
    ...(receivers.length === 0 ? {} : { page: PAGE }),
    automaticRollback: !random.chance(0.08),
    unwatched: { afterMs: random.between(6, 30) * SECOND, do: random.chance(0.85) ? "stable" : "hold" },
    keepVersions: random.between(0, 2),
    patrolMs: 10 * SECOND,
  });
}

/** Of receivers that keep alerts, and of some that can't tell a second message from the first. */
const PAGE: NonNullable<Plan["page"]> = {
  to: [{ kind: "webhook", name: "pager", url: "http://pager.invalid/" }],
  on: ["needs-person", "failed", "rolled-back"],
  ackMs: 5 * SECOND,
  else: [{ kind: "slack", name: "boss", to: { kind: "webhook", url: "http://boss.invalid/" } }],
};

/** Half of the plans by the first judge, half by the one that goes by evidence. */
export function judged(random: Random, plan: Plan): Plan {
  if (random.chance(0.5)) return plan;
  const byEvidence = (guard: Guard): Guard => ({
    ...guard,
    // Steps of seconds can exclude no less.
    ...(guard.metric === "errors" ? { promote: 0.3 } : {}),
    ...(guard.metric === "p95" ? { weight: 1 } : {}),
  });
  const steps = plan.steps.map((step): Step => {
    const guards = step.guards.map(byEvidence);
    return step.kind === "shift"
      ? { ...step, guards, unclear: random.pick(["hold", "raise", "step-back"]) }
      : { ...step, guards };
  });
  return { ...plan, judge: 2, steps };
}

/** Some compare with a twin of stable, where there is a share to compare in. */
export function twinned(random: Random, plan: Plan): Plan {
  const isPossible =
    plan.services.some(({ routes }) => routes.length > 0) &&
    plan.steps.some((step) => step.kind === "shift" && step.share < WHOLE);
  return isPossible && random.chance(0.4) ? { ...plan, twin: true } : plan;
}

export function drawServices(random: Random): readonly Service[] {
  const web = { ...QUICK_WEB, replicas: random.pick([1, 1, 2]) };
  const api: Service = { ...QUICK_WEB, name: "api", routes: [{ path: "/api" }] };
  const { health: _, ...plain } = web;
  const worker = { ...QUICK_WORKER, replicas: random.pick([1, 1, 2]) };
  return random.pick<readonly Service[]>([
    [web],
    [web],
    [web, worker],
    [web, { ...worker, overlap: true }],
    [web, api],
    [plain],
    [web, worker, { ...QUICK_WORKER, name: "mailer", overlap: true }],
    [worker],
  ]);
}

/** What stands there less often. */
function betweenShifts(percent: number): readonly ((random: Random) => Step)[] {
  return [
    () => ({ ...smoke(), id: `smoke-${percent}` }),
    () => ({ ...warm(), id: `warm-${percent}` }),
    (random) => check(`at-${percent}`, random),
    (random) => ({ ...openWindow(random), id: `window-${percent}` }),
  ];
}

function drawGuards(random: Random): readonly Guard[] {
  const base = {
    windowMs: random.pick([5, 10]) * SECOND,
    minRequests: random.pick([10, 20]),
    minEvents: 3,
    breaches: 2,
  };
  const level = random.pick(["rollback", "rollback", "hold", "warn"] as const);
  const errors: Guard = { ...base, metric: "errors", limits: { [level]: [{ kind: "absolute", value: 0.05 }] } };
  const p95: Guard = { ...base, metric: "p95", limits: { rollback: [{ kind: "relative", factor: 2 }] } };
  const restarts: Guard = { ...base, metric: "restarts", limits: { rollback: [{ kind: "absolute", value: 1 }] } };
  const memory: Guard = {
    ...base,
    metric: "memory",
    limits: { warn: [{ kind: "absolute", value: 0.7 }], hold: [{ kind: "absolute", value: 0.9 }] },
  };
  return random.pick([
    [errors],
    [errors],
    [errors, p95],
    [errors, restarts],
    [errors, p95, restarts, memory],
    [{ ...errors, dryRun: true as const }, p95],
    [],
  ]);
}

function drawHold(random: Random): Hold {
  return random.chance(0.75)
    ? { kind: "for", ms: random.pick([0, 2, 5, 8, 15]) * SECOND }
    : { kind: "evidence", atLeastMs: random.pick([1, 5]) * SECOND, boundMs: 20 * SECOND };
}

const BASE = { guards: [], else: "rollback" } as const;

function begin(onFailure: OnFailure): readonly Step[] {
  return [{ ...BASE, kind: "start", id: "start", name: "start", else: onFailure }];
}

function shift(percent: number, hold: Hold, guards: readonly Guard[], onFailure: OnFailure): Step {
  // Against what nobody serves any more nothing can be compared.
  const mine =
    percent < 100
      ? guards
      : guards.filter(({ limits }) =>
          Object.values(limits).every((each) => each.every(({ kind }) => kind === "absolute")),
        );
  return {
    guards: mine,
    else: onFailure,
    kind: "shift",
    id: `shift-${percent}`,
    name: `shift ${percent}%`,
    share: percent * 100,
    hold,
  };
}

function retire(): Step {
  return { ...BASE, kind: "retire", id: "retire", name: "retire" };
}

function approve(id: string, random: Random, afterMs?: number): Step {
  const count = random.pick([1, 1, 2]);
  return {
    ...BASE,
    kind: "approve",
    id,
    name: id,
    role: random.pick(["approver", "anyone"]),
    count,
    ...(afterMs === undefined ? {} : { afterMs }),
  };
}

function run(name: string, random: Random): Step {
  return {
    ...BASE,
    else: random.pick(["rollback", "hold"]),
    kind: "run",
    id: `run-${name}`,
    name: `run ${name}`,
    command: `do-${name}`,
    ...(random.chance(0.75) ? { undo: `undo-${name}` } : {}),
    timeoutMs: 10 * SECOND,
    repeat: random.pick(["safe", "ask"]),
  };
}

function smoke(): Step {
  return {
    ...BASE,
    kind: "smoke",
    id: "smoke",
    name: "smoke",
    flows: [{ name: "critical", service: "web", requests: [], cleanup: [], variables: {} }],
  };
}

function warm(): Step {
  return {
    ...BASE,
    kind: "warm",
    id: "warm",
    name: "warm",
    warm: { service: "web", pages: ["/"], withinMs: SECOND, rounds: 2, boundMs: 5 * SECOND },
  };
}

function notify(percent: number): Step {
  return { ...BASE, kind: "notify", id: `tell-${percent}`, name: `tell ${percent}`, message: "at ${version}", to: [] };
}

function openWindow(random: Random): Step {
  const from = random.between(0, 6) * 1_440;
  const spans = random.chance(0.8) ? [{ fromMinute: 0, toMinute: 0 }] : [{ fromMinute: from, toMinute: from + 1_440 }];
  return {
    ...BASE,
    kind: "window",
    id: "window",
    name: "window",
    window: { kind: "times", spans, zone: "UTC", text: "some day" },
  };
}

function check(id: string, random: Random): Step {
  const checklist: Checklist = {
    source: "checklist.md",
    items: [
      { id: "machine", text: "The disk has room", headings: [], ticked: false, check: { kind: "file", path: "x" } },
      ...(random.chance(0.5) ? [{ id: "person", text: "The backup is there", headings: [], ticked: false }] : []),
      { id: "done", text: "Told everybody", headings: [], ticked: true },
    ],
  };
  return { ...BASE, kind: "check", id: `check-${id}`, name: `check ${id}`, checklist, boundMs: 20 * SECOND };
}

/** Some change the schema: before the new version starts, and some also once the old one is gone. */
export function migrated(random: Random, plan: Plan): Plan {
  if (!random.chance(0.5)) return plan;
  const onFailure = (): OnFailure => random.pick(["rollback", "rollback", "hold"] as const);
  const change = (what: "expand" | "backfill" | "contract" | "all"): Step => ({
    ...BASE,
    else: onFailure(),
    kind: "migrate",
    id: `migrate-${what}`,
    name: `migrate ${what}`,
    what,
  });
  const backup: Step = { ...BASE, else: "hold", kind: "backup", id: "backup", name: "backup", proof: "restore" };
  const start = plan.steps.findIndex(({ kind }) => kind === "start");
  const before = [
    ...(random.chance(0.3) ? [backup] : []),
    ...random.pick([[change("expand")], [change("expand"), change("backfill")], [change("all")]]),
  ];
  const retire = plan.steps.findIndex(({ kind }) => kind === "retire");
  const end = retire < 0 ? plan.steps.length : retire + 1;
  const after = retire >= 0 && random.chance(0.85) ? [change("contract")] : [];
  return {
    ...plan,
    database: DATABASE,
    steps: [
      ...plan.steps.slice(0, start),
      ...before,
      ...plan.steps.slice(start, end),
      ...after,
      ...plan.steps.slice(end),
    ],
  };
}

const DATABASE: NonNullable<Plan["database"]> = {
  kind: "postgres",
  url: "postgres://database.invalid/shop",
  migrations: { kind: "files", folder: "db/migrations" },
  backups: { folder: ".tidegate/backups", keep: { newest: 3 }, encryptTo: [] },
  assertions: [],
};
