import type { Plan } from "../plan/plan.ts";
import type { RehearsedProject } from "../plan/compose.ts";
import { isOfKind, type Service } from "../plan/service.ts";
import type { StepOf } from "../plan/step.ts";
import type { TrafficPlan } from "../plan/traffic.ts";
import { WHOLE } from "../traffic/share.ts";
import { hasOwnData } from "./own-data.ts";
import { flowsOf, type Inside, stepsOf } from "./rehearsed-steps.ts";
import type { LeftOut } from "./rehearsal.ts";

/** Where the rehearsal runs. */
export interface Sandbox {
  /** Free ports of this machine, one for each listener of the plan. */
  readonly ports: readonly number[];
  /** Of the copy; absent: the plan has no database. */
  readonly database?: { readonly url: string; readonly backups: string };
  /** For every process that is started there, over what the plan gives it; by service. */
  readonly env: Readonly<Record<string, Readonly<Record<string, string>>>>;
  /** What the compose project is there; absent: no service is of one. */
  readonly compose?: RehearsedCompose;
}

export interface RehearsedCompose {
  /** Of the project, and of the app: by it every container, network, volume and image is told from production's. */
  readonly name: string;
  readonly project: RehearsedProject;
}

export interface RehearsedPlan {
  readonly plan: Plan;
  readonly leftOut: readonly LeftOut[];
}

/**
 * The plan as it is run beside production: the same services, migrations, shares and limits, on ports and a database of its own. Nobody
 * is asked or told anything, and nothing that reaches beyond the sandbox is run. All of that is named in `leftOut`.
 */
export function rehearsedPlan(plan: Plan, sandbox: Sandbox): RehearsedPlan {
  const leftOut: LeftOut[] = [];
  const services = servicesOf(plan, sandbox, leftOut);
  const names = new Set(services.map(({ name }) => name));
  const inside: Inside = { services: names, hasOwnData: hasOwnData(plan), leftOut };
  const steps = plan.steps.flatMap((step) => stepsOf(step, inside));
  const { page: _page, database, probes, drift: _drift, ...rest } = plan;
  noteReceivers(plan, leftOut);
  const probing = probes === undefined ? [] : flowsOf(probes.flows, "probes", inside);
  return {
    plan: {
      ...rest,
      ...(sandbox.compose === undefined ? {} : { app: sandbox.compose.name }),
      services,
      traffic: trafficOf(plan.traffic, sandbox.ports, leftOut),
      steps,
      notify: [],
      people: {},
      // Shorter waits are promoted by the rehearsal itself; what a guard finds is to put it back.
      automaticRollback: true,
      ...(database === undefined || sandbox.database === undefined
        ? {}
        : { database: databaseOf(database, sandbox.database, leftOut) }),
      ...(probes === undefined || probing.length === 0 ? {} : { probes: { ...probes, flows: probing } }),
    },
    leftOut: unique(leftOut),
  };
}

/** Only what brings a version up: for the one that serves, and for the way out of a disaster. */
export function startingPlan(plan: Plan): Plan {
  const { probes: _probes, twin: _twin, ...rest } = plan;
  const base = { guards: [], else: "hold" } as const;
  // Not the ids of the plan's own steps, which may take longer.
  const start: StepOf<"start"> = { ...base, id: "rehearsal-start", name: "start", kind: "start" };
  const shift: StepOf<"shift"> = {
    ...base,
    id: "rehearsal-shift",
    name: "shift 100%",
    kind: "shift",
    share: WHOLE,
    hold: { kind: "for", ms: 0 },
  };
  const retire: StepOf<"retire"> = { ...base, id: "rehearsal-retire", name: "retire", kind: "retire" };
  return { ...rest, steps: hasTraffic(plan) ? [start, shift, retire] : [start, retire] };
}

/** All that comes before the old version is retired: until then it can be gone back from in a moment. */
export function plannedThere(plan: Plan): Plan {
  const end = plan.steps.findIndex(
    (step) => step.kind === "retire" || (step.kind === "migrate" && step.what === "contract"),
  );
  const steps = end < 0 ? plan.steps : plan.steps.slice(0, end);
  const last = steps.findLastIndex(({ kind }) => kind === "shift");
  return { ...plan, steps: last < 0 ? steps : steps.slice(0, last + 1) };
}

export function hasTraffic({ services }: Plan): boolean {
  return services.some(({ routes }) => routes.length > 0);
}

/** Those that are started: a worker could take work that is production's. */
export function rehearsedServices({ services, rehearsal }: Plan): readonly Service[] {
  return services
    .filter(isOfKind("process", "compose"))
    .filter((each) => each.routes.length > 0 || rehearsal?.workers === true);
}

function servicesOf(plan: Plan, { env, compose }: Sandbox, leftOut: LeftOut[]): readonly Service[] {
  const started = rehearsedServices(plan);
  for (const { name } of plan.services.filter((each) => !started.includes(each)))
    leftOut.push({
      what: `the worker ${name}`,
      why: "it could take work that is production's: `rehearsal: { workers: true }` says that it does not",
    });
  return started.map((service) => {
    const { name, runtime } = service;
    const own = { ...service, env: { ...service.env, ...env[name] } };
    if (runtime.kind !== "compose" || compose === undefined) return own;
    return {
      ...own,
      runtime: { ...runtime, project: { ...runtime.project, name: compose.name, rehearsal: compose.project } },
    };
  });
}

function trafficOf(traffic: TrafficPlan, ports: readonly number[], leftOut: LeftOut[]): TrafficPlan {
  const { haproxy, ...rest } = traffic;
  if (haproxy !== undefined)
    leftOut.push({ what: "HAProxy", why: "Tidegate's own proxy stands in for it: nothing of production's is steered" });
  if (traffic.listen.some(({ tls }) => tls !== undefined))
    leftOut.push({ what: "TLS at the front door", why: "the rehearsal asks its own, on this machine, in plain HTTP" });
  return { ...rest, kind: "embedded", listen: ports.map((port) => ({ host: "127.0.0.1", port })) };
}

function databaseOf(
  { backups, ca, ...rest }: NonNullable<Plan["database"]>,
  copy: NonNullable<Sandbox["database"]>,
  leftOut: LeftOut[],
): NonNullable<Plan["database"]> {
  const { upload, ...own } = backups;
  if (upload !== undefined) leftOut.push({ what: "the upload of the backup", why: "it reaches beyond the sandbox" });
  return {
    ...rest,
    ...(ca === undefined ? {} : { ca }),
    url: copy.url,
    backups: { ...own, folder: copy.backups, keep: { newest: 3 } },
  };
}

function noteReceivers({ notify, page }: Plan, leftOut: LeftOut[]): void {
  if (notify.some(({ kind }) => kind !== "terminal"))
    leftOut.push({ what: "messages to people", why: "nobody is told of a rehearsal" });
  if (page !== undefined) leftOut.push({ what: "pages", why: "nobody is called for a rehearsal" });
}

function unique(leftOut: readonly LeftOut[]): readonly LeftOut[] {
  return [...new Map(leftOut.map((each) => [each.what, each])).values()];
}
