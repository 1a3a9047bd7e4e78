import type { HaproxyAddress } from "../../../core/plan/traffic.ts";
import type { RoutingTable } from "../../../core/traffic/routing.ts";
import type { Duration, Instant } from "../../../core/time/time.ts";
import { FaultError } from "../../../core/fault.ts";
import { fragmentOutdated, leaseEnded, mustNotBeStale, tooLow } from "./balancer-faults.ts";
import { type InForce, inForce } from "./in-force.ts";
import { entriesOf, leaseKey, type MapEntries, saidBy, turnKey } from "./map-entries.ts";
import { mapInHaproxy } from "./map-session.ts";
import { haproxyNames, type HaproxyNames } from "./names.ts";
import { numericServers } from "./numeric-hosts.ts";
import { writeRestartFiles } from "./restart-files.ts";
import { nameOf, openRuntime, type RuntimeSession } from "./runtime-socket.ts";
import { changeServers, untilUp } from "./server-changes.ts";
import { serverCommands, serverOf } from "./servers.ts";
import { infoNumber, parseStat, type StatRow } from "./stat.ts";

export interface BalancerSettings {
  readonly address: HaproxyAddress;
  readonly app: string;
  readonly environment: string;
  /** Folder of the files with which it starts again; null: they can't be reached from here. */
  readonly files: string | null;
  readonly answerMs: Duration;
  readonly now: () => Instant;
}

/** One HAProxy as it is now. */
export interface BalancerSeen extends InForce {
  readonly servers: readonly StatRow[];
  readonly backends: readonly StatRow[];
  /** Servers of the user's own backends. */
  readonly others: readonly StatRow[];
  readonly pid: number;
  readonly entries: MapEntries;
}

/** One HAProxy, over its runtime API. Every method throws FaultError: traffic-unreachable, haproxy-fragment-missing … */
export interface Balancer {
  readonly name: string;
  look(): Promise<BalancerSeen>;
  /** Fit to be steered: level admin, the fragment in its configuration, and of this digest. Faults: traffic-not-permitted, haproxy-fragment-missing, haproxy-fragment-outdated. */
  check(digest: string | undefined): Promise<void>;
  claim(epoch: number): Promise<void>;
  /**
   * Puts a table in the place of what was seen, and answers what is then in force. Faults: stale-epoch, revision-conflict,
   * table-not-saved, traffic-instance-not-up.
   */
  write(table: RoutingTable, seen: BalancerSeen): Promise<BalancerSeen>;
  /**
   * After a restart: gives it the lines of `known` again where it began with older ones or none, and the servers that it
   * lacks. Answers what is then in force. Faults: as `write`.
   */
  restore(known: BalancerSeen | null, epoch: number): Promise<BalancerSeen>;
  /** Faults: stale-epoch, lease-ended. */
  renew(epoch: number): Promise<void>;
  /**
   * Open requests and tunnels of an instance; null: it is no server here. Those of the user's own backends count too: by these
   * it was reached before it was taken over.
   */
  openOn(endpoint: string): Promise<number | null>;
  /** Cuts what is still open on an instance. */
  cut(endpoint: string): Promise<void>;
}

export function createBalancer(settings: BalancerSettings): Balancer {
  const { address, answerMs, now } = settings;
  const names = haproxyNames(settings.app, settings.environment);
  const name = nameOf(address);
  const map = mapInHaproxy(names, name);

  const withSession = async <T>(act: (session: RuntimeSession) => Promise<T>): Promise<T> => {
    using session = await openRuntime(address, answerMs);
    return await act(session);
  };

  const lookWith = async (session: RuntimeSession): Promise<BalancerSeen> => {
    const entries = await map.read(session);
    const stat = parseStat(await session.run("show stat -1 6 -1"));
    const isMine = ({ backend }: StatRow): boolean => backend.startsWith(`${names.ring}.`);
    const mine = stat.filter(isMine);
    return {
      ...inForce(entries, now()),
      entries,
      servers: mine.filter(({ server }) => server !== "BACKEND"),
      backends: mine.filter(({ server }) => server === "BACKEND"),
      others: stat.filter((row) => !isMine(row) && row.server !== "BACKEND"),
      pid: infoNumber(await session.run("show info"), "Pid"),
    };
  };

  /** The servers of a table, then the lines by which requests go to them, then the servers that nobody goes to any more. */
  const putInForce = async (session: RuntimeSession, wanted: Wanted, seen: BalancerSeen): Promise<BalancerSeen> => {
    const { table, lines } = wanted;
    const servers = await numericServers(table, names);
    const commands = serverCommands(servers, seen.servers);
    await changeServers(session, name, commands.before);
    if (table.share > (seen.table?.share ?? 0)) await untilUp(session, names, table, servers);
    const entries = await map.replace(session, seen.entries, lines());
    for (const command of commands.after) await session.run(command);
    if (settings.files !== null) await writeRestartFiles(settings.files, names, entries, servers);
    return await lookWith(session);
  };

  return {
    name,
    look: () => withSession(lookWith),
    check: (digest) =>
      withSession(async (session) => {
        const level = (await session.run("show cli level")).trim();
        if (level !== "admin") throw tooLow(name, level);
        await map.read(session);
        if (digest === undefined) return;
        const found = /value=<([^>]*)>/.exec(await session.run(`get var ${names.digestVariable}`))?.[1] ?? null;
        if (found !== digest) throw fragmentOutdated(name, found);
      }),
    claim: (epoch) =>
      withSession(async (session) => {
        for (let tries = 3; ; tries -= 1) {
          const entries = await map.read(session);
          const said = saidBy(entries);
          mustNotBeStale(epoch, said.epoch);
          if (epoch === said.epoch) return;
          try {
            await map.replace(session, entries, withTurn(entries).set("epoch", String(epoch)));
            return;
          } catch (error) {
            if (!(error instanceof FaultError) || error.fault.code !== "revision-conflict" || tries === 0) throw error;
          }
        }
      }),
    write: (table, seen) =>
      withSession(async (session) => {
        mustNotBeStale(table.epoch, seen.epoch);
        // A lease runs from when it is in force, not from when the servers were asked for.
        const lines = (): MapEntries =>
          entriesOf(table, seen.epoch, table.lease?.do === "stable" ? now() + table.lease.unwatchedMs : null);
        return await putInForce(session, { table, lines }, seen);
      }),
    restore: (known, epoch) =>
      withSession(async (session) => {
        const seen = await lookWith(session);
        mustNotBeStale(epoch, seen.epoch);
        const [before, found] = [known === null ? null : saidBy(known.entries).table, saidBy(seen.entries).table];
        if (known !== null && before !== null && before.revision > (found?.revision ?? 0)) {
          const table = inForce(known.entries, now()).table ?? before;
          return await putInForce(session, { table, lines: () => withTurn(known.entries) }, seen);
        }
        if (found === null) return seen;
        const { before: missing } = serverCommands(await numericServers(found, names), seen.servers);
        if (missing.length === 0) return seen;
        await changeServers(session, name, missing);
        return await lookWith(session);
      }),
    renew: (epoch) =>
      withSession(async (session) => {
        const seen = inForce(await map.read(session), now());
        mustNotBeStale(epoch, seen.epoch);
        if (seen.returnedAt !== null) throw leaseEnded(name);
        if (seen.leaseEndsAt === null || seen.table === null) return;
        const until = Math.round(now() + (seen.table.lease?.unwatchedMs ?? 0));
        // Where the table has changed meanwhile there is no such key any more, and nothing is renewed.
        await map.set(session, leaseKey(seen.table.revision), String(until));
      }),
    openOn: (endpoint) =>
      withSession(async (session) => {
        const seen = await lookWith(session);
        const row = await rowOf(seen, names, endpoint);
        if (row === null) return null;
        const before = seen.others.filter(({ address }) => address !== "" && address === row.address);
        return before.reduce((sum, { open }) => sum + open, row.open);
      }),
    cut: (endpoint) =>
      withSession(async (session) => {
        const row = await rowOf(await lookWith(session), names, endpoint);
        if (row !== null) await session.run(`shutdown sessions server ${row.backend}/${row.server}`);
      }),
  };
}

/** A table, and the lines that say it. */
interface Wanted {
  readonly table: RoutingTable;
  readonly lines: () => MapEntries;
}

/** The server of an instance that the table in force names. */
async function rowOf(
  { table, servers }: Pick<BalancerSeen, "table" | "servers">,
  names: HaproxyNames,
  endpoint: string,
): Promise<StatRow | null> {
  if (table === null) return null;
  const server = (await numericServers(table, names)).find(({ endpoint: { id } }) => id === endpoint);
  return server === undefined ? null : serverOf(server, servers);
}

/** The same lines, with the turn given back. */
function withTurn(entries: MapEntries): Map<string, string> {
  return new Map(entries).set(turnKey(saidBy(entries).table?.revision ?? 0), "yes");
}
