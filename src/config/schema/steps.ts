import { z } from "zod";
import { knowing } from "./about.ts";
import { guards } from "./guards.ts";
import { NOT_BUILT_STEPS } from "./not-built.ts";
import {
  approve,
  backup,
  check,
  migrate,
  notify,
  retire,
  run,
  shift,
  smoke,
  start,
  warm,
  window,
} from "./plain-steps.ts";
import { otherwise } from "./step-siblings.ts";
import { text } from "./values.ts";

const bare = z.enum(["start", "smoke", "retire"]).describe("A step without a value.");

const plainSteps = [check, approve, window, backup, migrate, start, smoke, warm, shift, notify, run, retire] as const;

const stepInPhase = knowing(z.union([...plainSteps, bare]), {
  verbs: "step",
  notBuilt: NOT_BUILT_STEPS,
  elsewhere: {
    phase: { what: "A phase holds no further phases.", fix: "Move this phase out, after the one that it stands in." },
  },
});

const phase = z
  .strictObject({
    phase: text("a name", "canary").describe("Its name."),
    objective: text("a sentence", "real traffic, early").optional().describe("What it is for; shown to people."),
    guards: guards.optional().describe("Guards of its steps, laid over those of the plan."),
    else: otherwise,
    steps: knowing(z.array(stepInPhase).min(1), { noun: "a list of steps" }).describe(
      "Its steps; a phase holds no further phases.",
    ),
  })
  .describe("Steps under one name, with an objective, guards and an `else` of their own.");

/** One thing that a plan does: the verb is the key. */
export const step = knowing(z.union([...plainSteps, phase, bare]), { verbs: "step", notBuilt: NOT_BUILT_STEPS });

/** For the reference page: the kinds in the order in which a release knows them, each with an example. */
export const STEP_KINDS = [
  { verb: "check", schema: check, example: "- check: checklists/production.md" },
  {
    verb: "approve",
    schema: approve,
    example: "- approve: approver\n- approve: { role: approver, count: 2 }\n  name: day-1\n  after: 24h",
  },
  {
    verb: "window",
    schema: window,
    example: '- window: "Tue-Thu 09:00-16:00 Europe/Berlin"\n- window: { quietest: 3h, zone: Europe/Berlin }',
  },
  { verb: "backup", schema: backup, example: "- backup: restore" },
  {
    verb: "migrate",
    schema: migrate,
    example: "- migrate: expand\n- start\n- shift: [5%, 100%]\n- retire\n- migrate: contract",
  },
  { verb: "start", schema: start, example: "- start" },
  { verb: "smoke", schema: smoke, example: "- smoke: smoke/critical.yaml\n- smoke: [GET /health, GET /agents]" },
  {
    verb: "warm",
    schema: warm,
    example: "- warm: [/, /agents, /campaigns]\n- warm: { pages: [/], within: 200ms, rounds: 3 }",
  },
  {
    verb: "shift",
    schema: shift,
    example: "- shift: 5%\n  for: 2d\n  else: hold\n- shift: [25%, 50%, 100%]\n  for: 30m",
  },
  { verb: "notify", schema: notify, example: "- notify: shop ${version} is going out" },
  {
    verb: "run",
    schema: run,
    example: "- run: ./purge-cdn.sh ${version}\n  undo: ./purge-cdn.sh\n  repeat: safe\n  timeout: 2m",
  },
  { verb: "retire", schema: retire, example: "- retire" },
  {
    verb: "phase",
    schema: phase,
    example:
      "- phase: canary\n  objective: real traffic, early\n  guards: { errors: { rollback: 0.5% } }\n  steps:\n    - shift: 5%\n      for: 2d",
  },
] as const;
