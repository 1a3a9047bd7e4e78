import { FaultError } from "../../../core/fault.ts";
import { fillReferences } from "../../../core/text/references.ts";
import { formatDuration } from "../../../core/time/time.ts";
import type { MigrationProgress } from "../../../ports/migrations.ts";
import { connectPostgres } from "../postgres/connect.ts";
import { pause } from "../postgres/run-unit.ts";
import type { Session } from "../postgres/session.ts";
import { readSchema } from "./schema.ts";
import { changeBetween, isNothing } from "./schema-change.ts";
import type { Ran } from "./program.ts";
import { blockedRevision, failedRevision } from "./run-faults.ts";
import { APPLICATION, reading, runTool, type ToolPlace } from "./run-tool.ts";
import type { Revision } from "./tool.ts";
import { endSessions, type InTheWay, waitForThem, watchSessions } from "./tool-sessions.ts";

export interface RevisionOrder {
  readonly revision: Revision;
  readonly way: "up" | "down";
  /** Of the tool, for exactly this. */
  readonly words: readonly string[];
  readonly revisions: readonly Revision[];
  readonly by: string;
  readonly tell: (progress: MigrationProgress) => void;
  /** The longest that it waited for a lock so far. */
  readonly waited: (ms: number) => void;
}

/**
 * Has the tool do one revision, and asks its own table whether it did. In a transaction nobody waits behind it for longer than the lock timeout: what
 * does not get its locks is taken back, and tried again. Faults: migration-failed, migration-blocked, migration-tool-missing, database-lost.
 */
export async function runRevision(session: Session, place: ToolPlace, order: RevisionOrder): Promise<void> {
  const { patience, signal } = session;
  const endsAt = performance.now() + patience.boundMs;
  let told = false;
  for (let attempt = 1; ; attempt += 1) {
    session.requireLock();
    signal.throwIfAborted();
    const tell = (blockers: readonly InTheWay[]): void => {
      const what = blockers.length === 0 ? "somebody else has a lock" : blockers.map(({ who }) => who).join("; ");
      if (!told) order.tell({ kind: "blocked", file: order.revision.file, line: 1, what });
      told = true;
    };
    const { done, blockers } = await attemptOnce(session, place, order, tell);
    if (done) return;
    tell(blockers);
    await waitForThem(session.guard, blockers, { endsAt, signal });
    if (performance.now() >= endsAt) throw blockedRevision(order, blockers, formatDuration(patience.boundMs));
    await pause(attempt, signal);
  }
}

interface Attempt {
  readonly done: boolean;
  readonly blockers: readonly InTheWay[];
}

async function attemptOnce(
  session: Session,
  place: ToolPlace,
  order: RevisionOrder,
  tellBlocked: (blockers: readonly InTheWay[]) => void,
): Promise<Attempt> {
  const { guard, patience, signal } = session;
  const { revision, way, words } = order;
  const { tool } = place;
  const application = `${APPLICATION} ${tool.name} (${order.by})`.slice(0, 63);
  const before = await readSchema(guard, tool.tables);
  // Should it wait for longer than anybody may, or the lock be lost, the tool is ended.
  const ending = new AbortController();
  const mayRetry = revision.isInTransaction;
  const options = await sessionOptions(place, mayRetry ? patience.lockTimeoutMs : null);
  await using watched = watchSessions(session, application, {
    tell: tellBlocked,
    boundMs: patience.boundMs,
    end: () => ending.abort(),
  });
  const running = { ...place, signal: AbortSignal.any([signal, ending.signal]) };
  const ran = await runTool(running, words, { application, options });
  order.waited(watched.waitedMs());
  if (running.signal.aborted) await endSessions(guard, application);
  signal.throwIfAborted();
  session.requireLock();
  const applied = await tool.applied({ client: guard, run: reading(place) }, order.revisions);
  const isDone = applied.includes(revision.version) === (way === "up");
  if (isDone && ran.code === 0) return { done: true, blockers: [] };
  const change = changeBetween(before, await readSchema(guard, tool.tables));
  const isUntouched = !isDone && isNothing(change);
  if (ending.signal.aborted) throw blockedRevision(order, watched.blockers(), formatDuration(patience.boundMs));
  if (isUntouched && mayRetry && didNotGetLock(ran)) return { done: false, blockers: watched.blockers() };
  throw failedRevision(order, place.tool.name, ran, { change, isDone });
}

function didNotGetLock({ said }: Ran): boolean {
  return said.some((line) =>
    /canceling statement due to lock timeout|deadlock detected|\b55P03\b|LockNotAvailable/.test(line),
  );
}

const known = new Map<string, Promise<boolean>>();

/** None where the server, or a pooler before it, does not take them. */
async function sessionOptions(
  { database, signal }: ToolPlace,
  lockTimeoutMs: number | null,
): Promise<readonly string[]> {
  // Told of the death of its client while a statement runs, the server ends it.
  const watching = "client_connection_check_interval=1s";
  const timeout = lockTimeoutMs === null ? [] : [`lock_timeout=${lockTimeoutMs}ms`];
  const takes = async (options: readonly string[]): Promise<boolean> => {
    const url = fillReferences(database.url, database.values());
    const key = `${url}\0${options.join(" ")}`;
    const asked = known.get(key) ?? isTaken(database, url, options, signal);
    known.set(key, asked);
    return await asked;
  };
  if (await takes([watching, ...timeout])) return [watching, ...timeout];
  return (await takes(timeout)) ? timeout : [];
}

async function isTaken(
  database: ToolPlace["database"],
  url: string,
  options: readonly string[],
  signal: AbortSignal,
): Promise<boolean> {
  if (options.length === 0) return true;
  if (!URL.canParse(url)) return false;
  const asking = new URL(url);
  if (asking.searchParams.has("options")) return false;
  asking.searchParams.set("options", options.map((each) => `-c ${each}`).join(" "));
  try {
    const settings = { ...database, url: asking.href.replaceAll("${", "$${"), values: () => ({}) };
    await using _ = await connectPostgres(settings, { application: `${APPLICATION}: looks`, signal });
    return true;
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof FaultError) return false;
    throw error;
  }
}
