import { tryTcp } from "../../../local/tcp-connection.ts";
import type { Inspected } from "./containers.ts";

/** How a container of the user's own project is reached: its port inside, published here or in a network of its. */
export type Reached =
  | { readonly by: "port"; readonly inside: number; readonly host: string }
  | { readonly by: "network"; readonly inside: number; readonly network: string };

const CONNECTS_WITHIN_MS = 2_000;

/**
 * The first way on which a container accepts connections now: by its published port, else by an address of its own.
 * `host`: at which the engine's published ports are reached. null: it accepts none.
 */
export async function wayTo(container: Inspected, inside: number, host: string): Promise<Reached | null> {
  const { Networks, Ports = {} } = container.NetworkSettings;
  const ways: readonly Reached[] = [
    ...(Ports[`${inside}/tcp`] ?? []).map(({ HostIp }): Reached => ({
      by: "port",
      inside,
      host: hostOf(HostIp, host),
    })),
    ...Object.keys(Networks).map((network): Reached => ({ by: "network", inside, network })),
  ];
  for (const way of ways) {
    const address = addressBy(way, container);
    if (address !== undefined && (await tryTcp(address, CONNECTS_WITHIN_MS)).accepted) return way;
  }
  return null;
}

/** Where that leads now: after a restart the engine may have given it another address. undefined: it has none. */
export function addressBy(way: Reached, { NetworkSettings: { Networks, Ports = {} } }: Inspected): string | undefined {
  if (way.by === "network") {
    const address = Networks[way.network]?.IPAddress ?? "";
    return address === "" ? undefined : `${address}:${way.inside}`;
  }
  const [published] = Ports[`${way.inside}/tcp`] ?? [];
  return published === undefined ? undefined : `${way.host}:${published.HostPort}`;
}

/** Published on every address of its machine it is reached as the one that was named is. */
function hostOf(published: string, host: string): string {
  const isAny = published === "" || published === "0.0.0.0" || published === "::";
  return isAny ? host : published.includes(":") ? `[${published}]` : published;
}

/** The port inside of the container that is reached at an address: of its own, or published. */
export function insideAt({ NetworkSettings: { Networks, Ports = {} } }: Inspected, address: string): number | null {
  const at = address.lastIndexOf(":");
  const [host, port] = [address.slice(0, at), address.slice(at + 1)];
  if (Object.values(Networks).some(({ IPAddress }) => IPAddress === host)) return Number(port);
  const found = Object.entries(Ports).find(([, all]) => all?.some(({ HostPort }) => HostPort === port) === true);
  return found === undefined ? null : Number.parseInt(found[0], 10);
}
