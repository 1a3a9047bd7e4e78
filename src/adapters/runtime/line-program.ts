import { isStartedByLine, type LineService } from "../../core/plan/service.ts";
import type { StartOrder } from "../../ports/runtime.ts";
import { instanceId } from "./instance-id.ts";
import { fillIn, shellLine, usersNamesIn, withoutValues } from "./place-holders.ts";
import { environmentToRun } from "./versions/allowed-environment.ts";

type Environment = Readonly<Record<string, string | undefined>>;

/** An order for a service that is started by a line. */
export type LineOrder = StartOrder & { readonly service: LineService };

/** Whoever asks has chosen the runtime by the service. */
export function lineOrder(order: StartOrder): LineOrder {
  const { service } = order;
  if (!isStartedByLine(service)) throw new Error(`${service.name} is not started by a line.`);
  return { ...order, service };
}

/** Where an instance listens; the proxy is on the same machine. */
export const INSTANCE_HOST = "127.0.0.1";

/** What is started for an order, whoever starts it. */
export interface LineProgram {
  /** For `/bin/sh -c`; the user's own names are left to the shell, so it holds no secret. */
  readonly command: string;
  readonly env: Readonly<Record<string, string>>;
  /** The part of the environment that may hold secrets. */
  readonly secretEnv: Readonly<Record<string, string>>;
  /** The same as the plan has it, with `${NAME}` for each value. */
  readonly secretTexts: Readonly<Record<string, string>>;
}

/**
 * `port`: as it stands in the line and the environment. `env` is this process's own environment: a small part of it is
 * passed on, and it is where `${UPPER}` is looked up after the order's secrets. Faults: undefined-name.
 */
export function lineProgram(order: LineOrder, port: string, env: Environment): LineProgram {
  const { service, slot, version, directory } = order;
  const own = { port, version, dir: directory, slot };
  const inherited = Object.entries(environmentToRun(env));
  const given: Record<string, string> = { ...Object.fromEntries(inherited), ...ownEnvironment(order, port) };
  // A proxy's address may hold a password.
  const secrets: Record<string, string> = Object.fromEntries(inherited.filter(([, value]) => value.includes("@")));
  const secretTexts = Object.fromEntries(Object.keys(secrets).map((name) => [name, `\${${name}}`]));
  const users = (name: string): string | undefined => order.secrets[name] ?? env[name];
  for (const [name, text] of Object.entries(service.env)) {
    const value = fillIn(text, own, users, `\`env.${name}\` of ${service.name}`);
    // What comes from `${UPPER}` may be a secret.
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
  return { command, env: given, secretEnv: secrets, secretTexts };
}

/** A worker has a port to listen on as well, for its health or not at all; nobody is sent there: undefined. */
export function addressOf({ service }: LineOrder, port: number): string | undefined {
  return service.routes.length > 0 || service.health !== undefined ? `${INSTANCE_HOST}:${port}` : undefined;
}

function ownEnvironment(order: StartOrder, port: string): Record<string, string> {
  return {
    PORT: port,
    // Frameworks that read it would else listen to the whole network, past the front door.
    ...(order.service.routes.length > 0 ? { HOST: INSTANCE_HOST } : {}),
    DEPLOYMENT_ENV: order.environment,
    BLUE_GREEN_MODE: order.role,
    TIDEGATE_VERSION: order.version,
    TIDEGATE_SLOT: order.slot,
    TIDEGATE_INSTANCE: instanceId(order),
  };
}
