import { setTimeout as delay } from "node:timers/promises";
import { FaultError } from "../../../core/fault.ts";
import type { RoutingTable } from "../../../core/traffic/routing.ts";
import { WHOLE } from "../../../core/traffic/share.ts";
import { tooLow } from "./balancer-faults.ts";
import type { HaproxyNames } from "./names.ts";
import type { RuntimeSession } from "./runtime-socket.ts";
import { serverOf, type WantedServer } from "./servers.ts";
import { isUp, parseStat } from "./stat.ts";

/** A server that is checked by another rhythm than the engine's own probes may lag behind them. */
const UP_WITHIN_MS = 5_000;

/** Gives commands about servers, each of which must be obeyed. Faults: traffic-not-permitted, traffic-server-refused. */
export async function changeServers(session: RuntimeSession, name: string, commands: readonly string[]): Promise<void> {
  for (const command of commands) {
    const answer = (await session.run(command)).trim();
    if (answer.includes("Permission denied")) throw tooLow(name, (await session.run("show cli level")).trim());
    if (answer !== "" && /denied|rror|nvalid|nknown|No such|llegal/.test(answer))
      throw new FaultError({
        code: "traffic-server-refused",
        what: `HAProxy at ${name} refused a change of its servers: ${answer}`,
        where: `${name} · ${command}`,
        fix: "tidegate haproxy check",
      });
  }
}

/** Nobody is sent to a version none of whose servers HAProxy takes for up. */
export async function untilUp(
  session: RuntimeSession,
  names: HaproxyNames,
  { candidate, stable, share }: RoutingTable,
  wanted: readonly WantedServer[],
): Promise<void> {
  if (candidate === null) return;
  const services = new Set(candidate.instances.filter(({ draining }) => !draining).map(({ service }) => service));
  for (let leftMs = UP_WITHIN_MS; ; leftMs -= 50) {
    const seen = parseStat(await session.run("show stat -1 6 -1"));
    const missing = [...services].filter(
      (service) =>
        !wanted.some((server) => {
          if (server.backend !== names.backend(service, candidate.slot)) return false;
          const row = serverOf(server, seen);
          return row !== null && isUp(row);
        }),
    );
    if (missing.length === 0) return;
    if (leftMs <= 0)
      throw new FaultError({
        code: "traffic-instance-not-up",
        what: `HAProxy takes no instance of ${candidate.version} for ready (${missing.join(", ")}), so it gets no traffic${
          share === WHOLE || stable === null ? "" : "; stable has all of it"
        }.`,
        fix: "see what its checks say: tidegate haproxy check ; can HAProxy reach the instance's address from where it runs?",
      });
    await delay(50);
  }
}
