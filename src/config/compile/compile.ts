import type { Plan, RehearsalPlan } from "../../core/plan/plan.ts";
import type { EnvironmentOverrides, Override } from "../overrides.ts";
import type { PathProblem, Problem } from "../reading/problem.ts";
import type { PlanConfig } from "../schema/plan-file.ts";
import type { CompileContext, Told } from "./context.ts";
import { compileDatabase } from "./database.ts";
import { checkDatabaseSteps } from "./database-steps.ts";
import { draftSteps, overrideFirstShift } from "./drafts.ts";
import { checkOrder } from "./order.ts";
import { compileReceivers } from "./receivers.ts";
import { referenceProblems } from "./references.ts";
import { compileRoutes } from "./routes.ts";
import { compileServices } from "./services.ts";
import { checklistReader, smokeReader } from "./side-files.ts";
import { compileProbes } from "./probes.ts";
import { compileTwin } from "./twin.ts";
import { compileGuards } from "./step-guards.ts";
import { compileStep, type StepContext } from "./steps.ts";
import { compileTraffic, compileUnwatched } from "./traffic.ts";

export interface Compiled {
  /** To be used only when there are no problems. */
  readonly plan: Plan;
  readonly overrides: readonly Override[];
  readonly problems: readonly PathProblem[];
  readonly fileProblems: readonly Problem[];
}

/** The plan file with every default, file and environment variable worked in. Pure: everything is given. */
export function compilePlan(config: PlanConfig, context: CompileContext): Compiled {
  const told: Told = { plan: [...referenceProblems(config, context.env)], files: [] };
  const routes = compileRoutes(config, told);
  const { services, overrides } = compileServices(config, routes, context, told);
  const { notify, page } = compileReceivers(config, told);
  const hasTraffic = services.some((service) => service.routes.length > 0);
  const first = overrideFirstShift(draftSteps(config, hasTraffic, told), context.overrides);
  checkOrder(first.drafts, context.overrides, told, config.traffic?.pause !== undefined);
  checkDatabaseSteps(first.drafts, config, told);
  const stepContext: StepContext = {
    ...context,
    services,
    notify,
    people: config.people,
    told,
    readChecklist: checklistReader(config.people, context, told),
    readSmoke: smokeReader(services, routes, context, told),
  };
  const database = compileDatabase(config, context, told);
  const probes = compileProbes(config, stepContext.readSmoke, told);
  const guards = compileGuards(config, first.drafts, hasTraffic, stepContext, told);
  const width = Math.max(2, String(first.drafts.length).length);
  const steps = first.drafts.map((draft, index) =>
    compileStep(draft, guards[index] ?? [], index + 1, width, stepContext),
  );
  const rollback = automaticRollback(config, context.overrides);
  const plan: Plan = {
    format: 1,
    judge: 2,
    app: config.app,
    environment: context.environment,
    services,
    traffic: compileTraffic(config, context, told),
    steps,
    notify,
    ...(page === undefined ? {} : { page }),
    people: config.people,
    automaticRollback: rollback.value,
    budgetMs: config.budget,
    unwatched: compileUnwatched(config, told),
    ...(config.traffic?.drift === "leave" ? { drift: "leave" } : {}),
    ...(probes === undefined ? {} : { probes }),
    ...(database === undefined ? {} : { database }),
    ...(config.rehearsal === undefined ? {} : { rehearsal: compileRehearsal(config.rehearsal) }),
    ...(compileTwin(config, first.drafts, hasTraffic, told) ? { twin: true } : {}),
    keepVersions: config.keepVersions,
    patrolMs: config.patrol,
  };
  return {
    plan,
    overrides: [...overrides, ...first.overrides, ...rollback.overrides],
    problems: told.plan,
    fileProblems: told.files,
  };
}

function compileRehearsal({ env, workers, paths, requests }: NonNullable<PlanConfig["rehearsal"]>): RehearsalPlan {
  return { env, workers, paths, ...(requests === undefined ? {} : { requests }) };
}

function automaticRollback(
  config: PlanConfig,
  { automaticRollback: given }: EnvironmentOverrides,
): { readonly value: boolean; readonly overrides: readonly Override[] } {
  if (given === undefined) return { value: config.automaticRollback, overrides: [] };
  const from = String(config.automaticRollback);
  const override = { name: given.name, value: given.text, key: "automaticRollback", from, to: String(given.value) };
  return { value: given.value, overrides: [override] };
}
