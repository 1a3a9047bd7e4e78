import { createHash } from "node:crypto";
import type { Client } from "pg";
import type { LedgerRow } from "../ledger-row.ts";
import { type Schema, readSchema } from "./schema.ts";
import { goesByAddress } from "./goes-by-address.ts";
import { type BySql, bySql, type KnownPending, knownPending } from "./phases.ts";
import { reading, type ToolPlace } from "./run-tool.ts";
import { type ToolStanding, toolStandingOf } from "./standing.ts";
import type { Revision } from "./tool.ts";
import { type CopySchema, type Tried, tryUp, whyNoCopy } from "./trial.ts";

/** All that is known of a version's revisions in a database. */
export interface Known {
  readonly revisions: readonly Revision[];
  readonly standing: ToolStanding;
  readonly pending: readonly KnownPending[];
  readonly tried: ReadonlyMap<string, Tried | BySql>;
  /** Nobody has made anything in the database, but for who keeps track of migrations. */
  readonly isEmpty: boolean;
}

interface Trying {
  readonly copySchema: CopySchema;
  /** How far what is pending is tried: as phases need it, all of it, or the ways back too, which takes as long again. */
  readonly tries: "nothing" | "forward" | "all forward" | "back";
  /** Why nothing is, in words; absent: it needs none. */
  readonly why?: string;
  /** Told before it begins, with how many. */
  readonly tell?: (count: number) => void;
}

/** Asks the tool and its table, and tries what is pending on a copy of the schema. Changes nothing. Faults: those of the tool. */
export async function knowAll(
  place: ToolPlace,
  client: Client,
  rows: ReadonlyMap<string, LedgerRow>,
  trying: Trying,
): Promise<Known> {
  const { tool } = place;
  const run = reading(place);
  const revisions = await tool.revisions(run);
  const versions = await tool.applied({ client, run }, revisions);
  const standing = toolStandingOf(tool, revisions, versions, rows);
  const live = await readSchema(client, tool.tables);
  const isEmpty = [...live.values()].every(({ kind }) => kind === "schema");
  const { tried, why } = isWorthIt(standing, isEmpty, trying.tries)
    ? await tryPending(place, live, { revisions, standing }, trying)
    : { tried: new Map<string, Tried>(), why: trying.why ?? null };
  return { revisions, standing, tried, isEmpty, pending: knownPending(standing, live, tried, why) };
}

function isWorthIt({ pending, problems }: ToolStanding, isEmpty: boolean, tries: Trying["tries"]): boolean {
  // What is refused need not be tried.
  if (pending.length === 0 || problems.length > 0 || tries === "nothing") return false;
  if (tries === "all forward") return true;
  // Nobody uses what is empty; and where all of them say of which phase they are, going forward needs no more.
  return !isEmpty && (tries === "back" || pending.some(({ revision }) => revision.phase === null));
}

interface Trials {
  readonly tried: ReadonlyMap<string, Tried | BySql>;
  /** Why there are none. */
  readonly why: string | null;
}

async function tryPending(
  place: ToolPlace,
  live: Schema,
  { revisions, standing }: Pick<Known, "revisions" | "standing">,
  { copySchema, tries, tell }: Trying,
): Promise<Trials> {
  const pending = standing.pending.map(({ revision }) => revision);
  const order = { revisions, applied: standing.versions };
  const isAddressed = await goesByAddress(place);
  if (isAddressed === false) return { tried: new Map(), why: "the tool does not go by DATABASE_URL" };
  if (isAddressed === null)
    return { tried: new Map(), why: "nothing shows that the tool goes by DATABASE_URL: name a `check:`" };
  try {
    const key = keyOf(place, live, pending, standing.versions);
    const known = remembered.get(`${key} back`) ?? (tries === "back" ? undefined : remembered.get(key));
    if (known === undefined) tell?.(pending.length);
    const trying = known ?? tryUp(place, copySchema, pending, { ...order, andBack: tries === "back" });
    remember(tries === "back" ? `${key} back` : key, trying);
    return { tried: new Map((await trying).map((each) => [each.revision.version, each])), why: null };
  } catch (error) {
    place.signal.throwIfAborted();
    const why = whyNoCopy(error);
    return { tried: await bySql(place, pending, order), why };
  }
}

const remembered = new Map<string, Promise<readonly Tried[]>>();
const MOST = 16;

/** The same revisions on the same schema do the same: a release asks several times. */
function remember(key: string, trying: Promise<readonly Tried[]>): void {
  remembered.delete(key);
  remembered.set(key, trying);
  trying.catch(() => remembered.delete(key));
  const [oldest] = remembered.keys();
  if (remembered.size > MOST && oldest !== undefined) remembered.delete(oldest);
}

function keyOf({ tool }: ToolPlace, live: Schema, pending: readonly Revision[], applied: readonly string[]): string {
  const schema = [...live].map(([key, { shape }]) => [key, ...shape].join("\0")).toSorted();
  const all = [
    tool.name,
    tool.folder,
    ...tool.program,
    "",
    ...pending.map(({ version, sha256 }) => `${version} ${sha256}`),
    "",
    ...applied,
  ];
  return createHash("sha256")
    .update(JSON.stringify([all, schema]))
    .digest("hex");
}
