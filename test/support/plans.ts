import type { Guard } from "../../src/core/plan/guard.ts";
import type { Plan } from "../../src/core/plan/plan.ts";
import type { Service } from "../../src/core/plan/service.ts";
import type { Step } from "../../src/core/plan/step.ts";
import { MINUTE, SECOND } from "../../src/core/time/time.ts";

/** The guards that a plan file without any gets, with small counts. */
export const GUARDS: readonly Guard[] = [
  {
    metric: "errors",
    limits: { rollback: [{ kind: "absolute", value: 0.01 }] },
    windowMs: MINUTE,
    minRequests: 50,
    minEvents: 3,
    breaches: 2,
  },
];

export const WEB: Service = {
  name: "web",
  replicas: 1,
  runtime: { kind: "process", directory: ".", run: "node server.js --port ${port}", files: [] },
  routes: [{ path: "/" }],
  health: {
    ready: "/health",
    everyMs: 10 * SECOND,
    timeoutMs: 5 * SECOND,
    rise: 1,
    fall: 3,
    delayMs: 0,
  },
  env: {},
  overlap: false,
  drainMs: 10 * SECOND,
  stopMs: 5 * SECOND,
  startMs: 30 * SECOND,
};

export const WORKER: Service = Object.fromEntries(
  Object.entries({ ...WEB, name: "worker", routes: [] }).filter(([key]) => key !== "health"),
) as unknown as Service;

const BASE = { guards: GUARDS, else: "rollback" } as const;

/** A step as the compiler would make it, with its defaults. */
export const step = {
  start: (): Step => ({ ...BASE, kind: "start", id: "start", name: "start" }),
  shift: (percent: number, forMs: number, more: Partial<Step> = {}): Step =>
    ({
      ...BASE,
      kind: "shift",
      id: `shift-${percent}`,
      name: `shift ${percent}%`,
      share: percent * 100,
      hold: { kind: "for", ms: forMs },
      ...more,
    }) as Step,
  retire: (): Step => ({ ...BASE, kind: "retire", id: "retire", name: "retire" }),
  approve: (id = "approve", more: Partial<Step> = {}): Step =>
    ({ ...BASE, kind: "approve", id, name: id, role: "approver", count: 1, ...more }) as Step,
  backup: (): Step => ({ ...BASE, kind: "backup", id: "backup", name: "backup", proof: "restore" }),
  migrate: (what: "expand" | "backfill" | "contract" | "all", more: Partial<Step> = {}): Step =>
    ({ ...BASE, kind: "migrate", id: `migrate-${what}`, name: `migrate ${what}`, what, ...more }) as Step,
  run: (command: string, undo?: string, more: Partial<Step> = {}): Step =>
    ({
      ...BASE,
      kind: "run",
      id: `run-${command}`,
      name: command,
      command,
      ...(undo === undefined ? {} : { undo }),
      timeoutMs: MINUTE,
      repeat: "ask",
      ...more,
    }) as Step,
};

export function planOf(steps: readonly Step[], more: Partial<Plan> = {}): Plan {
  return {
    format: 1,
    judge: 1,
    app: "shop",
    environment: "production",
    services: [WEB],
    traffic: {
      kind: "embedded",
      listen: [{ host: "127.0.0.1", port: 8080 }],
      sticky: { kind: "cookie", name: "tidegate" },
      pins: { header: "x-tidegate-version" },
      timeouts: { headersMs: 10 * SECOND, idleMs: MINUTE, connectMs: 2 * SECOND },
    },
    steps,
    notify: [],
    people: {},
    automaticRollback: true,
    budgetMs: 5 * MINUTE,
    unwatched: { afterMs: 2 * MINUTE, do: "stable" },
    keepVersions: 3,
    patrolMs: 5 * MINUTE,
    ...more,
  };
}

/** Start, 5 %, 25 %, 100 %, retire, each held for a minute. */
export const USUAL: Plan = planOf([
  step.start(),
  step.shift(5, MINUTE),
  step.shift(25, MINUTE),
  step.shift(100, MINUTE),
  step.retire(),
]);
