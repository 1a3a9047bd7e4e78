import { setTimeout as delay } from "node:timers/promises";
import { conflict, fragmentMissing, tooLow } from "./balancer-faults.ts";
import { type MapEntries, parseMap, saidBy, turnKey } from "./map-entries.ts";
import type { HaproxyNames } from "./names.ts";
import type { RuntimeSession } from "./runtime-socket.ts";

/** The map of one app in one HAProxy, whose lines say how requests are divided. */
export interface MapInHaproxy {
  /** Faults: haproxy-fragment-missing. */
  read(session: RuntimeSession): Promise<MapEntries>;
  /** Changes one line, where it is there. */
  set(session: RuntimeSession, key: string, value: string): Promise<void>;
  /**
   * Replaces all lines at once, if nobody else has since they were `seen`, and answers what is then there.
   * Faults: revision-conflict, traffic-not-permitted.
   */
  replace(session: RuntimeSession, seen: MapEntries, next: MapEntries): Promise<MapEntries>;
}

/** A writer who took the turn and has not written for so long is gone. */
const TURN_MS = 250;

export function mapInHaproxy(names: HaproxyNames, name: string): MapInHaproxy {
  let mapPath: string | null = null;

  const onMap = async (session: RuntimeSession, command: (path: string) => string): Promise<string> => {
    mapPath ??= await findMap(session, names, name);
    const answer = await session.run(command(mapPath));
    if (!answer.includes("Unknown map identifier")) return answer;
    mapPath = null;
    throw fragmentMissing(name);
  };

  const read = async (session: RuntimeSession): Promise<MapEntries> =>
    parseMap(await onMap(session, (path) => `show map ${path}`));

  return {
    read,
    async set(session, key, value) {
      await onMap(session, (path) => `set map ${path} ${key} ${value}`);
    },
    async replace(session, seen, next) {
      // The version first: a writer who stops in the middle of this is refused at its commit once another has written.
      const version = /created: (\d+)/.exec(await onMap(session, (path) => `prepare map ${path}`))?.[1];
      if (version === undefined) throw tooLow(name, (await session.run("show cli level")).trim());
      const path = mapPath as string;
      await takeTurn(session, path, seen);
      for (const lines of inCommands(next)) await session.run(`add map @${version} ${path} <<\n${lines}`);
      const refusal = (await session.run(`commit map @${version} ${path}`)).trim();
      if (refusal !== "") throw conflict(`HAProxy refused the new lines: ${refusal}`);
      const now = await read(session);
      for (const [key, value] of next) if (now.get(key) !== value) throw conflict("somebody else has written since");
      return now;
    },
  };
}

async function takeTurn(session: RuntimeSession, path: string, seen: MapEntries): Promise<void> {
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
}

async function findMap(session: RuntimeSession, names: HaproxyNames, name: string): Promise<string> {
  const list = await session.run("show map");
  for (const line of list.split("\n")) {
    const path = /^\d+ \(([^)]*)\)/.exec(line)?.[1];
    if (path !== undefined && (path === names.mapFile || path.endsWith(`/${names.mapFile}`))) return path;
  }
  throw fragmentMissing(name);
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
