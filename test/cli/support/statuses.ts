import type { Status, VersionFigures } from "../../../src/core/status/status.ts";
import type { StepStatus } from "../../../src/core/status/step-status.ts";

/** Releases in every state, with the figures of DESIGN §3's drawing. */

const AT = Date.UTC(2026, 4, 4, 12, 0, 0);

export function step(number: number, name: string, over: Partial<StepStatus> = {}): StepStatus {
  const kind = over.kind ?? (name.startsWith("shift") ? "shift" : (name as StepStatus["kind"]));
  return {
    number,
    id: `${String(number).padStart(2, "0")}-${name.replaceAll(/[^a-z0-9]+/g, "-")}`,
    name,
    kind,
    state: "waiting",
    attempt: over.state === undefined || over.state === "waiting" ? 0 : 1,
    tookMs: null,
    plannedMs: kind === "shift" ? 60_000 : 0,
    ...(kind === "shift" ? { sharePercent: Number.parseFloat(name.slice(6)) } : {}),
    ...over,
  };
}

const DONE = [
  step(1, "start", { state: "passed", tookMs: 2_140 }),
  step(2, "smoke", { state: "passed", tookMs: 380 }),
  step(3, "warm", { state: "passed", tookMs: 900 }),
];

export const FIGURES: readonly VersionFigures[] = [
  {
    role: "stable",
    version: "a1f09cdd",
    label: "a1f09c",
    wantedPercent: 95,
    measuredPercent: 95.02,
    requests: 12_310,
    errorRate: 0.001,
    p50Ms: 18,
    p95Ms: 92,
    p99Ms: 140,
    inFlight: 14,
    windowMs: 60_000,
  },
  {
    role: "candidate",
    version: "9f2c1edd",
    label: "9f2c1e",
    wantedPercent: 5,
    measuredPercent: 4.98,
    requests: 646,
    errorRate: 0.0015,
    p50Ms: 0.4,
    p95Ms: 95,
    p99Ms: 1_510,
    inFlight: 1,
    windowMs: 60_000,
  },
];

export const SHIFTING: Status = {
  release: 42,
  app: "shop",
  environment: "production",
  state: "running",
  stable: { version: "a1f09cdd", label: "a1f09c", slot: "blue" },
  candidate: { version: "9f2c1edd", label: "9f2c1e", slot: "green" },
  by: "alice",
  plannedAtMs: AT,
  startedAtMs: AT + 5,
  liveAtMs: null,
  endedAtMs: null,
  elapsedMs: 188_000,
  sharePercent: 5,
  steps: [
    ...DONE,
    step(4, "shift 5%", { state: "running", tookMs: 72_000, plannedMs: 600_000 }),
    step(5, "shift 25%"),
    step(6, "shift 100%"),
    step(7, "day-1", { kind: "approve" }),
    step(8, "retire"),
  ],
  isWatched: true,
  current: {
    step: "04-shift-5-",
    name: "shift 5%",
    number: 4,
    doing: null,
    waitsFor: "time",
    sinceMs: AT,
    nextDecisionInMs: 528_000,
  },
  sentence: "Watching at 5%: errors 0.15% (1/646) against 0.1% (12/12 310), limit 1%.",
  figuresAtMs: null,
  hold: null,
  paused: null,
  verdicts: [],
  versions: FIGURES,
  rollback: null,
  rollbackWould: "Puts 100% back on a1f09c at once, which still runs, then stops 9f2c1e. Under 1s for users.",
  deploymentMs: 3_420,
  fault: null,
  canRollBack: true,
  leftRunning: [],
  untold: [],
  alerts: [],
};

export const FIRST: Status = {
  ...SHIFTING,
  release: 1,
  stable: null,
  candidate: { version: "a1f09cdd", label: "a1f09c", slot: "blue" },
  elapsedMs: 1_200,
  sharePercent: 0,
  steps: [
    step(1, "start", { state: "running", tookMs: 1_190 }),
    step(2, "smoke"),
    step(3, "shift 5%"),
    step(4, "shift 100%"),
    step(5, "retire"),
  ],
  current: {
    step: "01-start",
    name: "start",
    number: 1,
    doing: "start",
    waitsFor: "effect",
    sinceMs: AT,
    nextDecisionInMs: null,
  },
  sentence: "start …",
  versions: null,
  rollbackWould: "Stops a1f09c; nothing serves then, because there is no earlier version.",
};

export const HELD: Status = {
  ...SHIFTING,
  sentence: "Held at 5%: p95 +38% against stable, limit +20%, n = 4 112.",
  hold: {
    sentence: "p95 +38% against stable, limit +20%, n = 4 112.",
    needsPerson: false,
    endsByItself: true,
    sinceMs: AT,
  },
  current: { ...SHIFTING.current!, waitsFor: "evidence", nextDecisionInMs: null },
};

export const WITHOUT_DATA: Status = {
  ...SHIFTING,
  sentence: "Held at 5%: errors unknown: no requests on the candidate for 30s.",
  hold: {
    sentence: "errors unknown: no requests on the candidate for 30s",
    needsPerson: true,
    endsByItself: true,
    sinceMs: AT,
  },
  current: { ...SHIFTING.current!, waitsFor: "person", nextDecisionInMs: null },
};

export const NEEDS_PERSON: Status = {
  ...SHIFTING,
  sentence: 'Held at 5%: Nobody knows whether "purge" was done: the engine that did it is gone.',
  hold: { sentence: 'Nobody knows whether "purge" was done.', needsPerson: true, endsByItself: false, sinceMs: AT },
  current: { ...SHIFTING.current!, waitsFor: "person", nextDecisionInMs: null },
};

export const WAITS_FOR_APPROVAL: Status = {
  ...SHIFTING,
  steps: [
    step(1, "approve", { name: "go-live", state: "running", tookMs: 60_000 }),
    ...SHIFTING.steps.slice(3).map((one, index) => step(index + 2, one.name, { kind: one.kind })),
  ],
  sharePercent: 0,
  sentence: "Held at 0%: Waits for a person with the role approver to approve.",
  hold: {
    sentence: "Waits for a person with the role approver to approve.",
    needsPerson: true,
    endsByItself: false,
    sinceMs: AT,
  },
  current: {
    step: "01-approve",
    name: "go-live",
    number: 1,
    doing: null,
    waitsFor: "person",
    sinceMs: AT,
    nextDecisionInMs: null,
  },
  versions: null,
};

export const PAUSED: Status = {
  ...SHIFTING,
  sentence: "Paused at 5% by bob: looking at the logs.",
  paused: { by: "bob", reason: "looking at the logs", sinceMs: AT },
  current: { ...SHIFTING.current!, waitsFor: "person", nextDecisionInMs: null },
};

const FAILED_SHIFT = step(4, "shift 5%", { state: "failed", tookMs: 7_600 });

export const ROLLED_BACK: Status = {
  ...SHIFTING,
  state: "rolled-back",
  sharePercent: 0,
  endedAtMs: AT + 60_000,
  elapsedMs: 60_000,
  steps: [...DONE, FAILED_SHIFT, ...SHIFTING.steps.slice(4)],
  current: null,
  versions: null,
  sentence: "Rolled back at 5%: errors 5.9% (4/68) against 0.08% (1/1 302), limit 1%.",
  rollbackWould: null,
  verdicts: [
    {
      metric: "errors",
      verdict: "fail",
      level: "rollback",
      sentence: "errors 5.9% (4/68) against 0.08% (1/1 302), limit 1%",
      figures: {
        candidate: 0.059,
        stable: 0.0008,
        limit: 0.01,
        n: 68,
        nStable: 1_302,
        k: 4,
        kStable: 1,
        windowMs: 60_000,
      },
    },
  ],
  rollback: {
    sentence: "errors 5.9% (4/68) against 0.08% (1/1 302), limit 1%",
    kind: "guard",
    by: null,
    decidedAtMs: AT,
    fromSharePercent: 5,
    putBackEarly: null,
    undone: [
      { name: "share-to-stable", afterMs: 20, failed: false },
      { name: "stop-candidate", afterMs: 1_300, failed: false },
      { name: "settle-stable", afterMs: 1_320, failed: false },
    ],
    evidence: {
      routes: [{ route: "POST /checkout", status: 500, bad: 4, stableBad: 0, excess: 4 }],
      lines: [{ text: "TypeError: cart.total is undefined", frame: "server.js:88", count: 4 }],
      commits: ["Round totals in the cart", "Bump dependencies"],
      failures: 4,
      unanswered: { candidate: 0, stable: 0 },
      missing: [],
    },
    fault: null,
  },
};

export const REFUSED: Status = {
  ...ROLLED_BACK,
  steps: [
    { ...DONE[0]!, state: "failed" },
    ...SHIFTING.steps.slice(1).map((each) => ({ ...each, state: "waiting" as const })),
  ],
  sentence: "Rolled back at 0%: The build of web ended with code 1 after 900ms: npm ci.",
  verdicts: [],
  rollback: {
    ...ROLLED_BACK.rollback!,
    sentence: "The build of web ended with code 1 after 900ms: npm ci",
    fromSharePercent: 0,
    undone: [],
    evidence: null,
    fault: {
      code: "build-failed",
      what: "The build of web ended with code 1 after 900ms: npm ci",
      where: "logs/build-9f2c1e-web.log",
      detail: ["npm error code ETARGET", "npm error notarget No matching version found for left-pad@9.9.9."],
      fix: "try it by hand: npm ci",
    },
  },
};

export const ROLLING_BACK: Status = {
  ...ROLLED_BACK,
  state: "rolling-back",
  endedAtMs: null,
  rollback: { ...ROLLED_BACK.rollback!, undone: ROLLED_BACK.rollback!.undone.slice(0, 1), evidence: null },
};

const ALL_DONE = [
  ...DONE,
  step(4, "shift 5%", { state: "passed", tookMs: 61_000 }),
  step(5, "shift 25%", { state: "passed", tookMs: 62_000 }),
  step(6, "shift 100%", { state: "passed", tookMs: 63_000 }),
];

export const LIVE: Status = {
  ...SHIFTING,
  state: "live",
  sharePercent: 100,
  liveAtMs: AT + 189_000,
  steps: [...ALL_DONE, step(7, "day-1", { kind: "approve" }), step(8, "retire")],
  current: {
    step: "07-day-1",
    name: "day-1",
    number: 7,
    doing: null,
    waitsFor: "start-time",
    sinceMs: AT,
    nextDecisionInMs: 86_000_000,
  },
  sentence: '9f2c1e is live; "day-1" is due later.',
  versions: null,
};

export const CLOSED: Status = {
  ...LIVE,
  state: "closed",
  endedAtMs: AT + 200_000,
  steps: [
    ...ALL_DONE,
    step(7, "day-1", { kind: "approve", state: "skipped" }),
    step(8, "retire", { state: "passed", tookMs: 1_400 }),
  ],
  current: null,
  sentence: "9f2c1e is live; every step is done.",
  rollbackWould: "a1f09c was retired: starts it again (about 3s), then puts 100% on it, then stops 9f2c1e.",
};

export const FAILED: Status = {
  ...ROLLED_BACK,
  state: "failed",
  fault: {
    code: "traffic-unreachable",
    what: 'The rollback stopped at "share-to-stable": the data plane does not answer.',
    where: "proxy.sock",
    fix: "tidegate doctor ; then: tidegate retry 42",
  },
};

export const MANY_STEPS: Status = {
  ...SHIFTING,
  steps: Array.from({ length: 40 }, (_, index) =>
    step(index + 1, `shift ${index + 1}%`, {
      state: index < 17 ? "passed" : index === 17 ? "running" : "waiting",
      phase: index < 10 ? "canary" : index < 20 ? "early" : "wide",
    }),
  ),
};

export const WAITS_FOR_ITEMS: Status = {
  ...WAITS_FOR_APPROVAL,
  steps: [
    step(1, "check", { name: "check list", state: "running", tookMs: 60_000 }),
    ...WAITS_FOR_APPROVAL.steps.slice(1),
  ],
  sentence: 'Held at 0%: 2 of 3 items of list.md wait for a person, the first: "Backup checked".',
  current: {
    step: "01-check",
    name: "check list",
    number: 1,
    doing: null,
    waitsFor: "person",
    sinceMs: AT,
    nextDecisionInMs: null,
  },
};

export const NEVER_STARTED: Status = {
  ...ROLLED_BACK,
  steps: [
    step(1, "start", { state: "failed", tookMs: 1_900 }),
    step(2, "smoke"),
    step(3, "warm"),
    step(4, "shift 5%"),
    ...SHIFTING.steps.slice(4),
  ],
  verdicts: [],
  rollback: {
    ...ROLLED_BACK.rollback!,
    sentence: "web did not become ready: its process ended with code 1 after 0.4s.",
    fromSharePercent: 0,
    undone: [{ name: "stop-candidate", afterMs: 40, failed: false }],
    evidence: {
      routes: [],
      // Told once: it stands among the last words of the process.
      lines: [{ text: "Error: DATABASE_URL is not set", count: 2, frame: "db.js:12" }],
      commits: ["Read the database's address from the environment"],
      missing: [],
    },
    fault: {
      code: "instance-exited",
      what: "web did not become ready: its process ended with code 1 after 0.4s.",
      where: "web-green-0-9f2c1edd, logs/web-green-0-9f2c1edd.log",
      detail: ["> shop@2.0.0 start", "Error: DATABASE_URL is not set", "    at connect (db.js:12:9)"],
      fix: "tidegate.yaml has no `files: [.env]`, and .env lies beside it: add it to the service",
    },
  },
};
