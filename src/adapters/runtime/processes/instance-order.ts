import type { InstanceSeen, Slot } from "../../../core/observation.ts";
import type { Service } from "../../../core/plan/service.ts";
import type { InstanceSpec, InstanceState } from "../../../keeper/protocol.ts";
import { instanceId } from "../instance-id.ts";
import { addressOf, INSTANCE_HOST, type LineOrder, lineProgram } from "../line-program.ts";
import { serviceFolder } from "../versions/version-folder.ts";

type Environment = Readonly<Record<string, string | undefined>>;

/** What the keeper is asked to run. Faults: undefined-name. */
export function instanceSpec(order: LineOrder, port: number, env: Environment): InstanceSpec {
  // What may be a secret reaches the instance, and never a file.
  return {
    id: instanceId(order),
    ...lineProgram(order, String(port), env),
    directory: serviceFolder(order.directory, order.service),
    labels: labelsOf(order, port),
    restart: "on-crash",
    ...livenessOf(order.service, port),
  };
}

function livenessOf({ health, startMs }: Service, port: number): Pick<InstanceSpec, "liveness"> {
  if (health?.live === undefined) return {};
  const { live, everyMs, timeoutMs, fall, delayMs } = health;
  return { liveness: { url: `http://${INSTANCE_HOST}:${port}${live}`, everyMs, timeoutMs, fall, delayMs, startMs } };
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

function labelsOf(order: LineOrder, port: number): Record<string, string> {
  const { service } = order;
  const address = addressOf(order, port);
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
    ...(address === undefined ? {} : { address }),
  };
}
