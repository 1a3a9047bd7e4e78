import type { InstanceSeen, Slot } from "../../../core/observation.ts";
import type { InstanceSpec, InstanceState } from "../../../keeper/protocol.ts";
import { isOfKind, type Service, type ServiceOf } from "../../../core/plan/plan.ts";
import type { StartOrder } from "../../../ports/runtime.ts";
import { environmentToRun } from "./allowed-environment.ts";
import { instanceId } from "../instance-id.ts";
import { fillIn, shellLine, usersNamesIn, withoutValues } from "../place-holders.ts";
import { serviceFolder } from "./version-folder.ts";

type Environment = Readonly<Record<string, string | undefined>>;

/** An order for a service that is a process. */
export type ProcessOrder = StartOrder & { readonly service: ServiceOf<"process"> };

/** Whoever asks has chosen the runtime by the service. */
export function processOrder(order: StartOrder): ProcessOrder {
  const { service } = order;
  if (!isOfKind("process")(service)) throw new Error(`${service.name} is no process.`);
  return { ...order, service };
}

/** Where an instance listens; the proxy is on the same machine. */
export const INSTANCE_HOST = "127.0.0.1";

/**
 * What the keeper is asked to run. `env` is this process's own environment: a small part of it is passed on, and it is
 * where `${UPPER}` is looked up after the order's secrets. Faults: undefined-name.
 */
export function instanceSpec(order: ProcessOrder, port: number, env: Environment): InstanceSpec {
  const { service, slot, version, directory } = order;
  const own = { port: String(port), version, dir: directory, slot };
  const inherited = Object.entries(environmentToRun(env));
  const given: Record<string, string> = { ...Object.fromEntries(inherited), ...ownEnvironment(order, port) };
  // A proxy's address may hold a password.
  const secrets: Record<string, string> = Object.fromEntries(inherited.filter(([, value]) => value.includes("@")));
  const secretTexts = Object.fromEntries(Object.keys(secrets).map((name) => [name, `\${${name}}`]));
  const users = (name: string): string | undefined => order.secrets[name] ?? env[name];
  for (const [name, text] of Object.entries(service.env)) {
    const value = fillIn(text, own, users, `\`env.${name}\` of ${service.name}`);
    // What comes from `${UPPER}` may be a secret: it reaches the instance, and never a file.
    if (usersNamesIn(text).length > 0) {
      secrets[name] = value;
      secretTexts[name] = withoutValues(text, own);
    } else given[name] = value;
  }
  const known = (name: string): string | undefined => secrets[name] ?? given[name] ?? users(name);
  const command = shellLine(service.runtime.run, own, known, `\`run\` of ${service.name}`);
  for (const name of usersNamesIn(service.runtime.run)) {
    const value = users(name);
    if (secrets[name] !== undefined || given[name] !== undefined || value === undefined) continue;
    secrets[name] = value;
    secretTexts[name] = `\${${name}}`;
  }
  for (const name of Object.keys(secrets)) delete given[name];
  return {
    id: instanceId(order),
    command,
    directory: serviceFolder(directory, service),
    env: given,
    secretEnv: secrets,
    secretTexts,
    labels: labelsOf(order, port),
    restart: "on-crash",
    ...livenessOf(service, port),
  };
}

function livenessOf({ health }: Service, port: number): Pick<InstanceSpec, "liveness"> {
  if (health?.live === undefined) return {};
  const { live, everyMs, timeoutMs, fall, delayMs } = health;
  return { liveness: { url: `http://${INSTANCE_HOST}:${port}${live}`, everyMs, timeoutMs, fall, delayMs } };
}

/** What a keeper's instance is for the engine. */
export function instanceSeen(instance: InstanceState): InstanceSeen {
  const { spec, state, pid, startedAt, restarts, lastExit, usage, needsSecrets } = instance;
  const { service = "", slot, version = "", address } = spec.labels;
  return {
    id: spec.id,
    service,
    slot: slot as Slot,
    version,
    ...(address === undefined ? {} : { address }),
    state,
    ...(pid === undefined ? {} : { pid }),
    ...(startedAt === undefined ? {} : { startedAt }),
    restarts,
    ...(lastExit === undefined ? {} : { lastExit }),
    ...(usage === undefined ? {} : { usage }),
    ...(needsSecrets ? { isLost: true as const } : {}),
    adopted: false,
  };
}

function ownEnvironment(order: StartOrder, port: number): Record<string, string> {
  return {
    PORT: String(port),
    // Frameworks that read it would else listen to the whole network, past the front door.
    ...(order.service.routes.length > 0 ? { HOST: INSTANCE_HOST } : {}),
    DEPLOYMENT_ENV: order.environment,
    BLUE_GREEN_MODE: order.role,
    TIDEGATE_VERSION: order.version,
    TIDEGATE_SLOT: order.slot,
    TIDEGATE_INSTANCE: instanceId(order),
  };
}

function labelsOf(order: ProcessOrder, port: number): Record<string, string> {
  const { service } = order;
  // A worker has a port to listen on as well, for its health or not at all; nobody is sent there.
  const isAsked = service.routes.length > 0 || service.health !== undefined;
  return {
    app: order.app,
    environment: order.environment,
    service: service.name,
    slot: order.slot,
    version: order.version,
    port: String(port),
    prepared: order.directory,
    serviceFolder: service.runtime.directory,
    run: service.runtime.run,
    files: JSON.stringify(service.runtime.files),
    ...(isAsked ? { address: `${INSTANCE_HOST}:${port}` } : {}),
  };
}
