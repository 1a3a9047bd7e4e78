import { existsSync } from "node:fs";
import { isAbsolute } from "node:path";
import { FaultError } from "../../core/fault.ts";
import type { Plan, Service } from "../../core/plan/plan.ts";
import { fillReferences, referencesIn, userNamesIn } from "../../core/text/references.ts";
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
}

const DATABASE = "TIDEGATE_REHEARSAL_DATABASE";
/** Names of variables that hold a database's bare name: PGDATABASE, DB_NAME, POSTGRES_DB. */
const NAMES_DATABASE = /^(?:PGDATABASE|(?:\w+_)?(?:DATABASE|DB)_?NAME|(?:POSTGRES|PG)_(?:DB|DATABASE))$/;

/** Faults: rehearsal-database-unclear, environment-variable-missing. */
export function sandboxEnvironment(order: Order): SandboxEnvironment {
  const { plan, copies, id } = order;
  const missing = userNamesIn(plan.rehearsal?.env ?? {}).find((name) => order.env[name] === undefined);
  if (missing !== undefined) throw missingVariable(missing);
  const env: Record<string, string | undefined> = { ...order.env };
  if (copies !== null) {
    for (const [name, value] of Object.entries(order.env)) {
      const led = value === undefined ? null : ledToCopy(copies, id, name, value);
      if (led !== null) env[name] = led;
    }
    env[DATABASE] = copies.addressOf(id);
  }
  const services: Record<string, Readonly<Record<string, string>>> = {};
  const shared: string[] = [];
  for (const service of plan.services.filter(({ routes }) => routes.length > 0 || plan.rehearsal?.workers === true)) {
    const given = { ...order.variablesIn(service), ...valuesOf(service, order.env) };
    const { own, asProduction } = ledVariables(order, given, env);
    services[service.name] = {
      ...own,
      ...inAnyCase(order, service, Object.keys(own).length > 0),
      ...plan.rehearsal?.env,
    };
    shared.push(...asProduction.map((name) => `${name} of ${service.name}`));
  }
  return { env, services, databaseUrl: copies === null ? null : `\${${DATABASE}}`, shared };
}

/** What a service gets of the plan, filled in. */
function valuesOf({ env: written }: Service, env: Context["env"]): Readonly<Record<string, string>> {
  const values = defined(env);
  return Object.fromEntries(Object.entries(written).map(([name, text]) => [name, fillReferences(text, values)]));
}

/** Those of its variables that lead to the app's database, made to lead to the copy. Their values go into `env`: a plan holds no secret. */
function ledVariables(
  { plan, copies, id }: Order,
  given: Readonly<Record<string, string>>,
  env: Record<string, string | undefined>,
): { readonly own: Readonly<Record<string, string>>; readonly asProduction: readonly string[] } {
  const own: Record<string, string> = {};
  const asProduction: string[] = [];
  for (const [name, value] of Object.entries(given)) {
    // The plan itself says what it is in a rehearsal.
    if (plan.rehearsal?.env[name] !== undefined) continue;
    const led = copies === null ? null : ledToCopy(copies, id, name, value);
    if (led !== null) {
      const variable = `TIDEGATE_REHEARSAL_${Object.keys(env).length}`;
      env[variable] = led;
      own[name] = `\${${variable}}`;
    } else if (leadsOutside(value)) asProduction.push(name);
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
  { name: service }: Service,
  isLed: boolean,
): Readonly<Record<string, string>> {
  if (copies === null) return { TIDEGATE_REHEARSAL: id };
  const mine = { TIDEGATE_REHEARSAL: id, PGAPPNAME: application };
  if (isLed) return mine;
  const name = onlyReference(plan.database?.url ?? "");
  if (name === null) throw unclear(service);
  return { ...mine, [name]: `\${${DATABASE}}` };
}

function ledToCopy(copies: RehearsalCopies, id: string, name: string, value: string): string | null {
  if (NAMES_DATABASE.test(name) && copies.isItsName(value)) return copies.nameOf(id);
  return copies.redirected(value, id);
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

function defined(env: Context["env"]): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(env).filter((entry): entry is [string, string] => entry[1] !== undefined));
}
