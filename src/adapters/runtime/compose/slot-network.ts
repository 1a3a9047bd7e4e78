import { existsSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import { FaultError } from "../../../core/fault.ts";
import { type DockerAddress, isOnThisMachine } from "./docker-address.ts";
import type { DockerClient } from "./docker-client.ts";
import { LABEL } from "./containers.ts";

/** The network of one slot, with a part of the address space that is its own. */
export interface SlotNetwork {
  readonly name: string;
  /** `172.20.0.0/16`. */
  readonly subnet: string;
  /** Containers are reached by their own address; else by a published port. */
  readonly isReachable: boolean;
}

interface EngineNetwork {
  readonly Id: string;
  readonly Internal: boolean;
  readonly IPAM: { readonly Config: readonly { readonly Subnet?: string }[] | null };
  readonly Labels: Readonly<Record<string, string>> | null;
}

const TRIES = 5;

/**
 * Finds or makes the slot's network. Its containers get addresses that stay theirs through restarts, and no other slot's
 * container can ever have one of them: so no request that is meant for one version reaches another. The engine chooses
 * the part of the address space; only a network that names its own gives out fixed addresses, so it is made twice.
 */
export async function slotNetwork(
  docker: DockerClient,
  name: string,
  labels: Readonly<Record<string, string>>,
): Promise<SlotNetwork> {
  for (let tries = 1; ; tries += 1) {
    const found = await docker.get<EngineNetwork>(`/networks/${encodeURIComponent(name)}`);
    const subnet = found === null ? undefined : subnetOf(found);
    if (found !== null && subnet !== undefined && found.Labels?.[LABEL.reached] !== undefined)
      return { name, subnet, isReachable: found.Labels[LABEL.reached] === "network" };
    try {
      await makeNetwork(docker, name, labels);
    } catch (error) {
      // Somebody else may have taken that part of the address space, or made the network, in between.
      if (tries === TRIES || !(error instanceof FaultError) || error.fault.code === "runtime-unreachable") throw error;
      await delay(50 * tries);
    }
  }
}

async function makeNetwork(
  docker: DockerClient,
  name: string,
  labels: Readonly<Record<string, string>>,
): Promise<void> {
  const path = `/networks/${encodeURIComponent(name)}`;
  await docker.change("POST", "/networks/create", { Name: name, CheckDuplicate: true, Internal: true, Labels: labels });
  const probe = await docker.get<EngineNetwork>(path);
  const subnet = probe === null ? undefined : subnetOf(probe);
  if (probe === null || subnet === undefined) return;
  const isReachable = isBridgeOfThisMachine(docker.address, probe.Id);
  await docker.change("DELETE", path);
  await docker.change("POST", "/networks/create", {
    Name: name,
    CheckDuplicate: true,
    // The way out is by the project's own networks, as before; where ports must be published it takes one that is open.
    Internal: isReachable,
    IPAM: { Config: [{ Subnet: subnet }] },
    Labels: { ...labels, [LABEL.reached]: isReachable ? "network" : "port" },
  });
}

function subnetOf({ IPAM }: EngineNetwork): string | undefined {
  return IPAM.Config?.map(({ Subnet }) => Subnet).find((each) => each !== undefined && each.includes("."));
}

/** An engine in a virtual machine, in a container or elsewhere has its bridges there: then no packet of ours finds them. */
function isBridgeOfThisMachine(address: DockerAddress, networkId: string): boolean {
  return isOnThisMachine(address) && existsSync(`/sys/class/net/br-${networkId.slice(0, 12)}`);
}

/** The first address that is not taken. Faults: no-address-left. */
export function freeAddress({ name, subnet }: SlotNetwork, taken: readonly string[]): string {
  const [base = "", bits = "16"] = subnet.split("/");
  const first = base.split(".").reduce((sum, part) => sum * 256 + Number(part), 0);
  // The engine itself has the first, and the last is everybody's.
  for (let number = first + 2; number < first + 2 ** (32 - Number(bits)) - 1; number += 1) {
    const address = [24, 16, 8, 0].map((shift) => Math.floor(number / 2 ** shift) % 256).join(".");
    if (!taken.includes(address)) return address;
  }
  throw new FaultError({
    code: "no-address-left",
    what: `The network ${name} has no address left.`,
    where: subnet,
    fix: `remove stopped containers: docker container prune --filter label=${LABEL.role}`,
  });
}
