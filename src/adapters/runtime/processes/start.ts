import { setTimeout as delay } from "node:timers/promises";
import type { InstanceSeen } from "../../../core/observation.ts";
import type { InstanceState } from "../../../keeper/protocol.ts";
import { ownersOfPort, socketsOf } from "../../../local/listening-sockets.ts";
import { familyOf } from "../../../local/process-family.ts";
import { identify } from "../../../local/process-identity.ts";
import { freePort } from "../free-port.ts";
import { instanceId } from "../instance-id.ts";
import { INSTANCE_HOST, type LineOrder } from "../line-program.ts";
import { instanceSeen, instanceSpec } from "./instance-order.ts";
import type { KeeperClient } from "./keeper-client.ts";

/** How often another port is tried when somebody else was quicker. */
const PORTS = 3;
/** For how long a new instance is watched for having lost its port. */
const WATCH_MS = 1_000;

/**
 * Starts one replica, or finds it. Returns as soon as it listens, ends, or a second has passed, whichever is first.
 * Faults: undefined-name, instance-not-started, stale-epoch.
 */
export async function startInstance(
  keeper: KeeperClient,
  order: LineOrder,
  env: Readonly<Record<string, string | undefined>>,
): Promise<InstanceSeen> {
  const id = instanceId(order);
  const before = (await keeper.state())?.instances ?? [];
  const living = before.find(({ spec, state }) => spec.id === id && state !== "exited" && state !== "stopping");
  if (living !== undefined) return instanceSeen(living);
  const portOf = ({ spec }: InstanceState): number => Number(spec.labels["port"]);
  const earlier = before.find(({ spec }) => spec.id === id);
  const taken = new Set(before.filter((each) => each !== earlier).map(portOf));
  for (let tries = 1; ; tries++) {
    const port = await freePort(taken, earlier === undefined ? undefined : portOf(earlier));
    const started = await keeper.put(instanceSpec(order, port, env));
    const seen = await watchStart(keeper, started);
    if (tries === PORTS || seen === null || !lostItsPort(seen)) return instanceSeen(seen ?? started);
    taken.add(port);
    await keeper.remove(id, order.service.stopMs);
  }
}

/** The instance once it listens or has ended; as it is after a while if it does neither. */
async function watchStart(keeper: KeeperClient, started: InstanceState): Promise<InstanceState | null> {
  // A worker listens nowhere, and elsewhere than on Linux nobody says who listens.
  if (process.platform !== "linux" || started.spec.labels["address"] === undefined) return started;
  const until = performance.now() + WATCH_MS;
  for (;;) {
    const now = (await keeper.state())?.instances.find(({ spec }) => spec.id === started.spec.id) ?? null;
    if (now === null || now.restarts > 0 || listens(now) || performance.now() > until) return now;
    await delay(25);
  }
}

function listens({ pid, spec }: InstanceState): boolean {
  const identity = pid === undefined ? null : identify(pid);
  if (identity === null) return false;
  const family = familyOf(identity).map((row) => row.pid);
  return socketsOf(family).some((socket) => socket.port === Number(spec.labels["port"]));
}

/** It ended, and somebody who is none of it has its port. */
function lostItsPort({ restarts, spec }: InstanceState): boolean {
  return restarts > 0 && ownersOfPort(INSTANCE_HOST, Number(spec.labels["port"])).uids.length > 0;
}
