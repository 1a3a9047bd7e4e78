import { lookup } from "node:dns/promises";
import { isIP } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import { FaultError } from "../../../core/fault.ts";
import type { HaproxyAddress } from "../../../core/plan/plan.ts";
import type { RoutingTable } from "../../../core/traffic/routing.ts";
import type { Duration, Instant } from "../../../core/time/time.ts";
import { WHOLE } from "../../../core/traffic/share.ts";
import { haproxyNames, type HaproxyNames } from "./names.ts";
import { entriesOf, isAsWritten, leaseKey, type MapEntries, parseMap, saidBy, turnKey } from "./map-entries.ts";
import { nameOf, openRuntime, type RuntimeSession } from "./runtime-socket.ts";
import { serverCommands, serverOf, wantedServers, type WantedServer } from "./servers.ts";
import { writeRestartFiles } from "./restart-files.ts";
import { infoNumber, isUp, parseStat, type StatRow } from "./stat.ts";

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
export interface BalancerSeen {
  /** What is in force: after an ended lease the table that follows from it. */
  readonly table: RoutingTable | null;
  readonly epoch: number;
  readonly leaseEndsAt: Instant | null;
  readonly returnedAt: Instant | null;
  readonly servers: readonly StatRow[];
  readonly backends: readonly StatRow[];
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
  /** Faults: stale-epoch, lease-ended. */
  renew(epoch: number): Promise<void>;
  /** Open requests and tunnels of an instance; null: it is no server here. */
  openOn(endpoint: string): Promise<number | null>;
  /** Cuts what is still open on an instance. */
  cut(endpoint: string): Promise<void>;
}

/** A writer who took the turn and has not written for so long is gone. */
const TURN_MS = 250;
/** A server that is checked by another rhythm than the engine's own probes may lag behind them. */
const UP_WITHIN_MS = 5_000;

export function createBalancer(settings: BalancerSettings): Balancer {
  const { address, answerMs, now } = settings;
  const names = haproxyNames(settings.app, settings.environment);
  const name = nameOf(address);
  let mapPath: string | null = null;

  const withSession = async <T>(act: (session: RuntimeSession) => Promise<T>): Promise<T> => {
    using session = await openRuntime(address, answerMs);
    return await act(session);
  };

  const onMap = async (session: RuntimeSession, command: (path: string) => string): Promise<string> => {
    mapPath ??= await findMap(session, names, name);
    const answer = await session.run(command(mapPath));
    if (!answer.includes("Unknown map identifier")) return answer;
    mapPath = null;
    throw fragmentMissing(name);
  };

  const readMap = async (session: RuntimeSession): Promise<MapEntries> =>
    parseMap(await onMap(session, (path) => `show map ${path}`));

  const lookWith = async (session: RuntimeSession): Promise<BalancerSeen> => {
    const entries = await readMap(session);
    const stat = parseStat(await session.run("show stat -1 6 -1"));
    const mine = stat.filter(({ backend }) => backend.startsWith(`${names.ring}.`));
    return {
      ...inForce(entries, now()),
      entries,
      servers: mine.filter(({ server }) => server !== "BACKEND"),
      backends: mine.filter(({ server }) => server === "BACKEND"),
      pid: infoNumber(await session.run("show info"), "Pid"),
    };
  };

  /** Replaces all lines of the map at once, if nobody else has meanwhile. */
  const replace = async (
    session: RuntimeSession,
    seen: MapEntries,
    next: (seen: MapEntries) => MapEntries,
  ): Promise<MapEntries> => {
    // The version first: a writer who stops in the middle of this is refused at its commit once another has written.
    const version = /created: (\d+)/.exec(await onMap(session, (path) => `prepare map ${path}`))?.[1];
    if (version === undefined) throw await notPermitted(session, name);
    const path = mapPath as string;
    await takeTurn(session, path, seen);
    const entries = next(seen);
    for (const lines of inCommands(entries)) await session.run(`add map @${version} ${path} <<\n${lines}`);
    const refusal = (await session.run(`commit map @${version} ${path}`)).trim();
    if (refusal !== "") throw conflict(`HAProxy refused the new lines: ${refusal}`);
    const now = await readMap(session);
    for (const [key, value] of entries) if (now.get(key) !== value) throw conflict("somebody else has written since");
    return now;
  };

  const takeTurn = async (session: RuntimeSession, path: string, seen: MapEntries): Promise<void> => {
    const { table } = saidBy(seen);
    const key = turnKey(table?.revision ?? 0);
    // An HAProxy that has just been set up, or lost its lines at a restart.
    if (table === null && !seen.has(key)) await session.run(`add map ${path} ${key} yes`);
    for (let leftMs = TURN_MS; ; leftMs -= 10) {
      if (!(await session.run(`del map ${path} ${key}`)).includes("Key not found")) return;
      const found = saidBy(parseMap(await session.run(`show map ${path}`))).table;
      if ((found?.revision ?? 0) !== (table?.revision ?? 0)) throw conflict("another table is in force by now");
      if (leftMs <= 0) return;
      await delay(10);
    }
  };

  const perform = async (session: RuntimeSession, commands: readonly string[]): Promise<void> => {
    for (const command of commands) {
      const answer = (await session.run(command)).trim();
      if (answer.includes("Permission denied")) throw await notPermitted(session, name);
      if (answer !== "" && /denied|rror|nvalid|nknown|No such|llegal/.test(answer))
        throw new FaultError({
          code: "traffic-server-refused",
          what: `HAProxy at ${name} refused a change of its servers: ${answer}`,
          where: `${name} · ${command}`,
          fix: "tidegate haproxy check",
        });
    }
  };

  return {
    name,
    look: () => withSession(lookWith),
    check: (digest) =>
      withSession(async (session) => {
        await mustBeAdmin(session, name);
        await readMap(session);
        if (digest === undefined) return;
        const found = /value=<([^>]*)>/.exec(await session.run(`get var ${names.digestVariable}`))?.[1] ?? null;
        if (found !== digest) throw fragmentOutdated(name, found);
      }),
    claim: (epoch) =>
      withSession(async (session) => {
        for (let tries = 3; ; tries -= 1) {
          const entries = await readMap(session);
          const said = saidBy(entries);
          mustNotBeStale(epoch, said.epoch);
          if (epoch === said.epoch) return;
          try {
            await replace(session, entries, (seen) => new Map(withTurn(seen)).set("epoch", String(epoch)));
            return;
          } catch (error) {
            if (!(error instanceof FaultError) || error.fault.code !== "revision-conflict" || tries === 0) throw error;
          }
        }
      }),
    write: (table, seen) =>
      withSession(async (session) => {
        mustNotBeStale(table.epoch, seen.epoch);
        const numbers = await numbersOf(table);
        const wanted = wantedServers(table, names, (host) => numbers.get(host) ?? host);
        const commands = serverCommands(wanted, seen.servers);
        await perform(session, commands.before);
        if (table.share > (seen.table?.share ?? 0)) await untilUp(session, names, table, wanted);
        const until = table.lease?.do === "stable" ? now() + table.lease.unwatchedMs : null;
        const entries = await replace(session, seen.entries, () => entriesOf(table, seen.epoch, until));
        for (const command of commands.after) await session.run(command);
        if (settings.files !== null) await writeRestartFiles(settings.files, names, entries, wanted);
        return await lookWith(session);
      }),
    renew: (epoch) =>
      withSession(async (session) => {
        const entries = await readMap(session);
        const seen = inForce(entries, now());
        mustNotBeStale(epoch, seen.epoch);
        if (seen.returnedAt !== null) throw leaseEnded(name);
        if (seen.leaseEndsAt === null || seen.table === null) return;
        const until = Math.round(now() + (seen.table.lease?.unwatchedMs ?? 0));
        // Where the table has changed meanwhile there is no such key any more, and nothing is renewed.
        await onMap(session, (path) => `set map ${path} ${leaseKey(seen.table?.revision ?? 0)} ${until}`);
      }),
    openOn: (endpoint) =>
      withSession(async (session) => (await rowOf(await lookWith(session), names, endpoint))?.open ?? null),
    cut: (endpoint) =>
      withSession(async (session) => {
        const row = await rowOf(await lookWith(session), names, endpoint);
        if (row !== null) await session.run(`shutdown sessions server ${row.backend}/${row.server}`);
      }),
  };
}

/** What divides the requests at this moment, with what an ended lease and a foreign hand have made of it. */
export function inForce(
  entries: MapEntries,
  now: Instant,
): Pick<BalancerSeen, "table" | "epoch" | "leaseEndsAt" | "returnedAt"> {
  const { table, share, epoch, leaseEndsAt } = saidBy(entries);
  if (table === null) return { table, epoch, leaseEndsAt: null, returnedAt: null };
  if (leaseEndsAt !== null && now >= leaseEndsAt) {
    const returned = { ...table, revision: table.revision + 1, share: 0, lease: null };
    return { table: returned, epoch, leaseEndsAt: null, returnedAt: leaseEndsAt };
  }
  const isOurs = isAsWritten(entries, table);
  return { table: isOurs ? table : { ...table, share }, epoch, leaseEndsAt, returnedAt: null };
}

/** The server of an instance that the table in force names. */
export async function rowOf(
  { table, servers }: Pick<BalancerSeen, "table" | "servers">,
  names: HaproxyNames,
  endpoint: string,
): Promise<StatRow | null> {
  if (table === null) return null;
  const numbers = await numbersOf(table);
  const wanted = wantedServers(table, names, (host) => numbers.get(host) ?? host);
  const server = wanted.find(({ endpoint: { id } }) => id === endpoint);
  return server === undefined ? null : serverOf(server, servers);
}

/** The same lines, with the turn given back. */
function withTurn(entries: MapEntries): MapEntries {
  return new Map(entries).set(turnKey(saidBy(entries).table?.revision ?? 0), "yes");
}

/** HAProxy adds servers by numbers alone. */
export async function numbersOf(table: RoutingTable): Promise<ReadonlyMap<string, string>> {
  const hosts = new Set(
    [table.stable, table.candidate].flatMap((side) => (side?.instances ?? []).map(({ host }) => host)),
  );
  const found = await Promise.all(
    [...hosts].map(async (host) => {
      if (isIP(host) !== 0) return [host, host] as const;
      const { address } = await lookup(host, { family: 4 }).catch(() => lookup(host));
      return [host, address] as const;
    }),
  );
  return new Map(found);
}

/** Nobody is sent to a version none of whose servers HAProxy takes for up. */
async function untilUp(
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

async function findMap(session: RuntimeSession, names: HaproxyNames, name: string): Promise<string> {
  const list = await session.run("show map");
  for (const line of list.split("\n")) {
    const path = /^\d+ \(([^)]*)\)/.exec(line)?.[1];
    if (path !== undefined && (path === names.mapFile || path.endsWith(`/${names.mapFile}`))) return path;
  }
  throw fragmentMissing(name);
}

async function mustBeAdmin(session: RuntimeSession, name: string): Promise<void> {
  const level = (await session.run("show cli level")).trim();
  if (level !== "admin") throw tooLow(name, level);
}

async function notPermitted(session: RuntimeSession, name: string): Promise<FaultError> {
  return tooLow(name, (await session.run("show cli level")).trim());
}

function tooLow(name: string, level: string): FaultError {
  return new FaultError({
    code: "traffic-not-permitted",
    what: `HAProxy's runtime socket ${name} only lets itself be read (level ${level}), so nothing can be shifted there.`,
    where: name,
    fix: "write `level admin` into HAProxy's line `stats socket …`, or name another socket, and reload HAProxy",
  });
}

function fragmentMissing(name: string): FaultError {
  return new FaultError({
    code: "haproxy-fragment-missing",
    what: `The configuration of HAProxy at ${name} lacks Tidegate's part for this app, so its traffic can't be divided there.`,
    where: name,
    fix: "tidegate haproxy diff /etc/haproxy/haproxy.cfg shows what to add ; tidegate haproxy apply adds it ; then reload HAProxy",
  });
}

function fragmentOutdated(name: string, found: string | null): FaultError {
  return new FaultError({
    code: "haproxy-fragment-outdated",
    what:
      found === null
        ? `HAProxy at ${name} has only a part of what Tidegate needs: its backends, or its rules.`
        : `HAProxy at ${name} runs with another part of Tidegate's than this plan asks for (routes, health, stickiness or pins have changed).`,
    where: name,
    fix: "tidegate haproxy diff /etc/haproxy/haproxy.cfg shows the difference ; tidegate haproxy apply writes it ; then reload HAProxy",
  });
}

function mustNotBeStale(asked: number, known: number): void {
  if (asked >= known) return;
  throw new FaultError({ code: "stale-epoch", what: `Epoch ${known} has taken over from ${asked}.` });
}

function conflict(why: string): FaultError {
  return new FaultError({ code: "revision-conflict", what: `The table was not replaced: ${why}.` });
}

function leaseEnded(name: string): FaultError {
  return new FaultError({
    code: "lease-ended",
    what: `The lease of the share has ended, and HAProxy at ${name} is back on stable.`,
  });
}

/** As many lines a command as HAProxy takes. */
function inCommands(entries: MapEntries): readonly string[] {
  const commands: string[] = [];
  let lines = "";
  for (const [key, value] of entries) {
    const line = `${key} ${value}\n`;
    if (lines.length + line.length > 8_000) {
      commands.push(lines);
      lines = "";
    }
    lines += line;
  }
  return lines === "" ? commands : [...commands, lines];
}
