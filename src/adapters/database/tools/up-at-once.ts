import type { RunMigration, UpRequest } from "../../../ports/migrations.ts";
import { rowOf, toldOf } from "../ledger-row.ts";
import type { Session } from "../postgres/session.ts";
import { tellFailure } from "../postgres/up.ts";
import { failedAtOnce } from "./run-faults.ts";
import type { KnownPending } from "./phases.ts";
import { APPLICATION, reading, runTool, type ToolPlace } from "./run-tool.ts";
import type { Revision } from "./tool.ts";
import { ofLedger } from "./of-ledger.ts";

/** Everything that is pending, which the tool applies in one go by `words`. */
export interface AtOnce {
  readonly words: readonly string[];
  readonly wanted: readonly KnownPending[];
  readonly revisions: readonly Revision[];
}

/**
 * For a database in which there is nothing: nobody uses it, so there is nobody to wait for and nothing to keep apart, and years of revisions take
 * seconds instead of minutes. Faults: migration-failed.
 */
export async function upAtOnce(
  session: Session,
  place: ToolPlace,
  { words, wanted, revisions }: AtOnce,
  request: UpRequest,
): Promise<readonly RunMigration[]> {
  const { work, guard, ledger } = session;
  const file = `${wanted.length} migrations at once`;
  const began = performance.now();
  request.tell({ kind: "began", file, way: "up" });
  const application = `${APPLICATION} ${place.tool.name} (${request.by})`.slice(0, 63);
  const ran = await runTool(place, words, { application, options: [] });
  const applied = new Set(await place.tool.applied({ client: guard, run: reading(place) }, revisions));
  session.requireLock();
  const done = wanted.filter(({ revision }) => applied.has(revision.version));
  const writes = done.flatMap(({ revision, phase }) => {
    const row = rowOf(ofLedger(revision, phase), request, { state: "applied" });
    return [ledger.applied(row), ledger.told(toldOf(row))];
  });
  if (writes.length > 0) await work.query(`BEGIN; ${writes.join(";")}; COMMIT`);
  request.signal.throwIfAborted();
  const missing = wanted.map(({ revision }) => revision).filter(({ version }) => !applied.has(version));
  if (missing.length > 0 || ran.code !== 0) {
    const fault = failedAtOnce(place.tool.name, ran, { missing, done: done.length });
    const [first] = missing.length === 0 ? wanted : wanted.filter(({ revision }) => missing.includes(revision));
    if (first !== undefined)
      await tellFailure(session, toldOf(rowOf(ofLedger(first.revision, first.phase), request, {})), fault);
    throw fault;
  }
  request.tell({ kind: "done", file, way: "up", tookMs: Math.round(performance.now() - began) });
  return done.map(({ revision, phase }) => ({
    file: revision.file,
    version: revision.version,
    phase,
    statements: 0,
    tookMs: null,
    longestWaitMs: 0,
  }));
}
