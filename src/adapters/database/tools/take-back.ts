import type { DownRequest, ReversedMigration } from "../../../ports/migrations.ts";
import { releaseOf, rowOf, type Told, toldOf } from "../ledger-row.ts";
import type { Session } from "../postgres/session.ts";
import { tellFailure } from "../postgres/up.ts";
import { irreversible } from "../refuse-loss.ts";
import { ofLedger } from "./of-ledger.ts";
import { runRevision } from "./run-revision.ts";
import { reading, type ToolPlace } from "./run-tool.ts";
import type { Back, StepBack } from "./steps-back.ts";

/** Has the tool take one back, and writes that down. Faults: migration-irreversible, and those of running it. */
export async function takeBack(
  session: Session,
  place: ToolPlace,
  { revisions, rows }: Back,
  { revision, version, name }: StepBack,
  request: DownRequest,
  lost: readonly string[],
): Promise<ReversedMigration> {
  if (revision === null) throw irreversible(name, "its file is not here");
  const { tool } = place;
  const { ledger, work } = session;
  const applied = await tool.applied({ client: session.guard, run: reading(place) }, revisions);
  const words = tool.down(revision, { revisions, applied });
  if (words === null) throw irreversible(name, `${tool.name} takes back another one before it, or several at once`);
  const began = performance.now();
  let longestWaitMs = 0;
  const took = (): number => Math.round(performance.now() - began);
  const known = rows.get(version) ?? rowOf(ofLedger(revision, "expand"), { by: request.by, release: null }, {});
  const told = (): Told => ({
    ...toldOf({ ...known, by: request.by, release: releaseOf(request), tookMs: took(), longestWaitMs }),
    did: "down",
    note: lost.length === 0 ? null : `lost: ${lost.join("; ")}`,
  });
  request.tell({ kind: "began", file: name, way: "down" });
  try {
    await runRevision(session, place, {
      revision,
      way: "down",
      words,
      revisions,
      by: request.by,
      tell: request.tell,
      waited: (ms) => (longestWaitMs = Math.max(longestWaitMs, ms)),
    });
  } catch (error) {
    await tellFailure(session, told(), error);
    throw error;
  }
  await work.query(`BEGIN; ${ledger.reversed(version)}; ${ledger.told(told())}; COMMIT`);
  request.tell({ kind: "done", file: name, way: "down", tookMs: took() });
  return { file: name, tookMs: took(), lost };
}
