import { withoutFullStop } from "../../../core/text/plain-text.ts";
import type { Client } from "pg";
import { FaultError } from "../../../core/fault.ts";
import { connectPostgres } from "../postgres/connect.ts";
import type { DatabaseSettings } from "../settings.ts";
import { asideFolder } from "./aside-folder.ts";
import { type Schema, readSchema } from "./schema.ts";
import { type SchemaChange, changeBetween } from "./schema-change.ts";
import { APPLICATION, reading, runTool, type ToolPlace } from "./run-tool.ts";
import { causeIn } from "./tool-output.ts";
import type { Ordered, Revision } from "./tool.ts";
import { watchRows, writtenRows } from "./watched-rows.ts";

/** An empty copy of a database: everything but its rows. It is gone when it is disposed of. */
export interface SchemaCopy extends AsyncDisposable {
  readonly settings: DatabaseSettings;
}

/** Makes one, with the rows of these tables. Faults: backup-database-not-created, backup-tools-missing, and the like. */
export type CopySchema = (withRows: readonly string[], signal: AbortSignal) => Promise<SchemaCopy>;

/** What a revision did on a copy. */
export interface Tried {
  readonly revision: Revision;
  /** null: it was not run, or failed. */
  readonly up: Way | null;
  readonly down: Way | null;
  /** Whether its way back was tried at all: one that came after it may have failed before. */
  readonly isDownKnown: boolean;
  /** Why one of them is not known, as a sentence without its full stop; null: both are. */
  readonly why: string | null;
}

export interface Way {
  readonly change: SchemaChange;
  /** `runs UPDATE on orders`: on tables that were there before. */
  readonly writes: readonly string[];
  readonly tookMs: number;
}

/** Takes revisions up on a copy, one after the other, and, where `andBack`, as far as they go down again. */
export async function tryUp(
  place: ToolPlace,
  copySchema: CopySchema,
  revisions: readonly Revision[],
  { andBack, ...order }: Ordered & { readonly andBack: boolean },
): Promise<readonly Tried[]> {
  await using stage = await openStage(place, copySchema, order);
  const ups = await runAll(stage, "up", revisions);
  const done = revisions.filter(({ version }) => ups.ways.has(version));
  const downs = await runAll(stage, "down", andBack ? done.toReversed() : []);
  return revisions.map((revision) => triedOf(revision, ups, downs));
}

/** Takes applied revisions, the newest first, down on a copy, and up again: what they had made themselves comes back by that. */
export async function tryDown(
  place: ToolPlace,
  copySchema: CopySchema,
  newestFirst: readonly Revision[],
  order: Ordered,
): Promise<readonly Tried[]> {
  await using stage = await openStage(place, copySchema, order);
  const downs = await runAll(stage, "down", newestFirst);
  const done = newestFirst.filter(({ version }) => downs.ways.has(version));
  const ups = await runAll(stage, "up", done.toReversed());
  return newestFirst.map((revision) => triedOf(revision, ups, downs));
}

function triedOf(revision: Revision, ups: AllRun, downs: AllRun): Tried {
  const { version } = revision;
  const [up, down] = [ups.ways.get(version) ?? null, downs.ways.get(version) ?? null];
  const why = ups.why.get(version) ?? downs.why.get(version) ?? null;
  return { revision, up, down, isDownKnown: downs.reached.has(version), why };
}

interface Stage extends AsyncDisposable {
  readonly place: ToolPlace;
  readonly client: Client;
  readonly revisions: readonly Revision[];
  applied: readonly string[];
  schema: Schema;
}

async function openStage(place: ToolPlace, copySchema: CopySchema, order: Ordered): Promise<Stage> {
  await using stack = new AsyncDisposableStack();
  const { tool, signal } = place;
  const copy = stack.use(await copySchema(tool.tables, signal));
  const { client } = stack.use(await connectPostgres(copy.settings, { application: "tidegate migrate", signal }));
  const owned = stack.move();
  return {
    place: { ...place, database: copy.settings },
    client,
    revisions: order.revisions,
    applied: order.applied,
    schema: await readSchema(client, tool.tables),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

interface AllRun {
  readonly ways: ReadonlyMap<string, Way>;
  /** Of those that did not work, or were not reached. */
  readonly why: ReadonlyMap<string, string>;
  readonly reached: ReadonlySet<string>;
}

/** As far as they go; beyond one that fails and leaves nothing, where none of them needs the one before it. */
async function runAll(stage: Stage, way: "up" | "down", revisions: readonly Revision[]): Promise<AllRun> {
  const ways = new Map<string, Way>();
  const why = new Map<string, string>();
  const reached = new Set<string>();
  let ended: string | null = null;
  for (const revision of revisions) {
    const done: Way | string = ended ?? (await runOne(stage, way, revision));
    if (ended === null) reached.add(revision.version);
    if (typeof done !== "string") ways.set(revision.version, done);
    else {
      why.set(revision.version, done);
      if (stage.place.tool.order === "strict" || !revision.isInTransaction) ended = done;
    }
  }
  return { ways, why, reached };
}

async function runOne(stage: Stage, way: "up" | "down", revision: Revision): Promise<Way | string> {
  const { place, client, schema: before } = stage;
  const { tool, signal } = place;
  const order = { revisions: stage.revisions, applied: stage.applied };
  await using aside = await asideFolder();
  const words =
    way === "up" ? tool.up(revision, order, aside.path) : revision.hasDown ? tool.down(revision, order) : null;
  if (words === null) return `${revision.file} has no way back`;
  await watchRows(client);
  const began = performance.now();
  const { code, said } = await runTool(place, words, { application: `${APPLICATION}: tries`, options: [] });
  signal.throwIfAborted();
  const tookMs = Math.round(performance.now() - began);
  const applied = await tool.applied({ client, run: reading(place) }, stage.revisions);
  if (code !== 0 || applied.includes(revision.version) !== (way === "up")) {
    const what = way === "up" ? revision.file : `the way back of ${revision.file}`;
    return `${what} does not work on a copy of the schema without its rows: ${code === 0 ? "the tool's table says that nothing was done" : causeIn(said)}`;
  }
  const after = await readSchema(client, tool.tables);
  stage.schema = after;
  stage.applied = applied;
  return { change: changeBetween(before, after), writes: await writtenRows(client, tool.tables), tookMs };
}

/** What is in the way of a copy is no mistake of anybody's: then less is known. */
export function whyNoCopy(error: unknown): string {
  if (!(error instanceof FaultError)) throw error;
  return `it could not be tried on a copy of the schema: ${withoutFullStop(error.fault.what)}`;
}
