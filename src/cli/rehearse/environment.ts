import { existsSync } from "node:fs";
import { isAbsolute } from "node:path";
import { FaultError } from "../../core/fault.ts";
import type { Plan } from "../../core/plan/plan.ts";
import type { Service } from "../../core/plan/service.ts";
import { leadVariable } from "../../core/rehearsal/database-lead.ts";
import { leadsOutOf } from "../../core/rehearsal/leads-out-of.ts";
import { rehearsedServices } from "../../core/rehearsal/rehearsed-plan.ts";
import { defined, fillReferences, referencesIn, userNamesIn } from "../../core/text/references.ts";
import type { ProjectToRehearse } from "../../ports/project-to-rehearse.ts";
import type { RehearsalCopies } from "../../ports/rehearsal-copies.ts";
import type { Context } from "../context.ts";

/** What the processes of a rehearsal get in place of what production's have. */
export interface SandboxEnvironment {
  /** Of Tidegate itself while it rehearses: the variables that the plan refers to. */
  readonly env: Context["env"];
  /** By service, over what the plan gives it. */
  readonly services: Readonly<Record<string, Readonly<Record<string, string>>>>;
  /** How the plan of the rehearsal names the copy; null: there is none. */
  readonly databaseUrl: string | null;
  /** `REDIS_URL of web`: addresses that lead where production's do. */
  readonly shared: readonly string[];
}

interface Order {
  readonly plan: Plan;
  readonly env: Context["env"];
  readonly id: string;
  /** null: the plan names no database. */
  readonly copies: RehearsalCopies | null;
  /** What a service reads by itself, from a file (`.env`) that the plan lays beside it: what it has in its environment goes before. */
  readonly variablesIn: (service: Service) => Readonly<Record<string, string>>;
  /** What its connections are called, where its driver knows that variable. */
  readonly application: string;
  /** null: no service is of a compose project. */
  readonly found: ProjectToRehearse | null;
}

const DATABASE = "TIDEGATE_REHEARSAL_DATABASE";

/** Faults: rehearsal-database-unclear, environment-variable-missing. */
export function sandboxEnvironment(order: Order): SandboxEnvironment {
  const { plan, copies, id } = order;
  const missing = userNamesIn(plan.rehearsal?.env ?? {}).find((name) => order.env[name] === undefined);
  if (missing !== undefined) throw missingVariable(missing);
  const env: Record<string, string | undefined> = { ...order.env };
  if (copies !== null) {
    for (const [name, value] of Object.entries(order.env)) {
      const led = value === undefined ? null : copies.led(id, name, value);
      if (led !== null) env[name] = led;
    }
    env[DATABASE] = copies.addressOf(id);
  }
  const services: Record<string, Readonly<Record<string, string>>> = {};
  const shared: string[] = [...(order.found?.shared ?? [])];
  let isLed = order.found?.isLed !== false || order.found.database !== null;
  for (const service of rehearsedServices(plan)) {
    const given = { ...order.variablesIn(service), ...valuesOf(service, order.env) };
    const { own, asProduction } = ledVariables(order, service, given, env);
    isLed ||= Object.keys(own).length > 0;
    services[service.name] = {
      ...own,
      ...inAnyCase(order, service, Object.keys(own).length > 0),
      ...plan.rehearsal?.env,
    };
    shared.push(...asProduction.map((name) => `${name} of ${service.name}`));
  }
  if (copies !== null && !isLed)
    throw unclear(plan.services.find(({ runtime }) => runtime.kind === "compose")?.name ?? "");
  return { env, services, databaseUrl: copies === null ? null : `\${${DATABASE}}`, shared };
}

/** What a service gets of the plan, filled in. */
function valuesOf({ env: written }: Service, env: Context["env"]): Readonly<Record<string, string>> {
  const values = defined(env);
  return Object.fromEntries(Object.entries(written).map(([name, text]) => [name, fillReferences(text, values)]));
}

/** Those of its variables that lead to the app's database, made to lead to the copy. Their values go into `env`: a plan holds no secret. */
function ledVariables(
  { plan, copies, id, found }: Order,
  { runtime }: Service,
  given: Readonly<Record<string, string>>,
  env: Record<string, string | undefined>,
): { readonly own: Readonly<Record<string, string>>; readonly asProduction: readonly string[] } {
  const own: Record<string, string> = {};
  const asProduction: string[] = [];
  for (const [name, value] of Object.entries(given)) {
    // The plan itself says what it is in a rehearsal.
    if (plan.rehearsal?.env[name] !== undefined) continue;
    const inside = runtime.kind === "compose" ? copies?.inContainers(id) : null;
    const led = inside == null ? (copies?.led(id, name, value) ?? null) : leadVariable(name, value, inside);
    if (led !== null) {
      const variable = `TIDEGATE_REHEARSAL_${Object.keys(env).length}`;
      env[variable] = led;
      own[name] = `\${${variable}}`;
    } else if (runtime.kind === "compose" ? leadsOutOf(found?.names ?? [], value) : leadsOutside(value))
      asProduction.push(name);
  }
  return { own, asProduction };
}

/** An address, or a path of something that is there. */
function leadsOutside(value: string): boolean {
  return /^[a-z][a-z0-9+.-]*:\/\//i.test(value) || (isAbsolute(value) && existsSync(value));
}

/** Faults: rehearsal-database-unclear. */
function inAnyCase(
  { plan, copies, id, application }: Order,
  { name: service, runtime }: Service,
  isLed: boolean,
): Readonly<Record<string, string>> {
  if (copies === null) return { TIDEGATE_REHEARSAL: id };
  const mine = { TIDEGATE_REHEARSAL: id, PGAPPNAME: application };
  // What a container has of its compose file is led where that is read.
  if (isLed || runtime.kind === "compose") return mine;
  const name = onlyReference(plan.database?.url ?? "");
  if (name === null) throw unclear(service);
  return { ...mine, [name]: `\${${DATABASE}}` };
}

/** `DATABASE_URL` of `${DATABASE_URL}`; null: the text is something else too. */
function onlyReference(text: string): string | null {
  const [reference] = referencesIn(text);
  return reference !== undefined && text === `\${${reference.name}}` ? reference.name : null;
}

function missingVariable(name: string): FaultError {
  return new FaultError({
    code: "environment-variable-missing",
    what: `\`\${${name}}\` is not set in the environment.`,
    where: "rehearsal.env",
    fix: `Set ${name} in the environment in which Tidegate rehearses.`,
  });
}

/** Without this it would work with production's. */
function unclear(service: string): FaultError {
  return new FaultError({
    code: "rehearsal-database-unclear",
    what: `Nothing in the plan says how ${service} gets to its database, so nothing can lead it to the copy instead.`,
    where: `services.${service}`,
    fix: 'name it by one variable: database: { url: "${DATABASE_URL}" }, and give that to the service: env: { DATABASE_URL: "${DATABASE_URL}" }',
  });
}
