import type { MigrationPhase } from "../../../core/plan/database.ts";
import type { LedgerRow } from "../ledger-row.ts";
import { readPostgresText } from "../postgres/read-migrations.ts";
import { lossWordsOf } from "../postgres/loss-words.ts";
import { type Schema, keyOf, type Thing } from "./schema.ts";
import { takenAway } from "./schema-change.ts";
import type { ToolStanding } from "./standing.ts";
import { sqlOf, withoutTransaction } from "./printed-sql.ts";
import type { ToolPlace } from "./run-tool.ts";
import type { Ordered, Revision } from "./tool.ts";
import type { Tried } from "./trial.ts";

/** A revision that is not applied, and what is known of what it does. */
export interface KnownPending {
  readonly revision: Revision;
  readonly row: LedgerRow | null;
  readonly phase: MigrationPhase;
  /** What the version that serves has and it takes away, and that holds rows. */
  readonly drops: readonly string[];
  readonly isReversible: boolean;
  /** Why it is of its phase, or why nobody knows; null: the file says it itself. */
  readonly note: string | null;
  /** Neither it nor a trial says of which phase it is, so it counts as a contract. */
  readonly isUnknown: boolean;
}

/** `live`: what those who use the database have now. `tried`: nothing where it could not be tried, and `why` says so. */
export function knownPending(
  { pending }: Pick<ToolStanding, "pending">,
  live: Schema,
  tried: ReadonlyMap<string, Tried | BySql>,
  why: string | null,
): readonly KnownPending[] {
  const isInUse = (thing: Thing): boolean => live.has(keyOf(thing));
  // Nobody uses a database in which there is nothing.
  const isEmpty = [...live.values()].every(({ kind }) => kind === "schema");
  return pending.map(({ revision, row }): KnownPending => {
    const { phase, reversible, hasDown } = revision;
    const saysBack = reversible !== "no" && reversible !== "lossy";
    const known = { revision, row, drops: [], isReversible: saysBack && hasDown, note: null, isUnknown: false };
    if (isEmpty) return { ...known, phase: phase ?? "expand" };
    const found = tried.get(revision.version);
    if (found !== undefined && "drops" in found) {
      const note = phase === null && found.phase === "contract" ? "its SQL takes something away" : null;
      return { ...known, phase: phase ?? found.phase, drops: found.drops, note };
    }
    if (found === undefined || found.up === null) {
      if (phase !== null) return { ...known, phase };
      const note = `nobody knows what it takes away: ${found?.why ?? why ?? "it was not tried"}`;
      return { ...known, phase: "contract", note, isUnknown: true };
    }
    const taken = takenAway(found.up.change, isInUse);
    return {
      ...known,
      phase: phase ?? (taken.length > 0 ? "contract" : "expand"),
      drops: rowsIn(found.up.change.vanished, isInUse),
      isReversible: saysBack && (found.isDownKnown ? found.down !== null : hasDown),
      note: phase === null && taken.length > 0 ? `it ${taken.join(", and ")}` : null,
    };
  });
}

function rowsIn(vanished: readonly Thing[], isInUse: (thing: Thing) => boolean): readonly string[] {
  const tables = new Set(vanished.flatMap(({ kind, name }) => (kind === "table" ? [name] : [])));
  const isWhole = ({ table }: Thing): boolean => table === null || !tables.has(table);
  return vanished
    .filter((thing) => (thing.kind === "table" || thing.kind === "column") && isInUse(thing) && isWhole(thing))
    .map(({ table, name }) => (table === null ? name : `${table}.${name}`).replaceAll('"', ""));
}

/** What the SQL says that a tool would run. */
export interface BySql {
  readonly phase: MigrationPhase;
  readonly drops: readonly string[];
}

/** For want of a copy, where the tool prints its SQL. Nothing of those that it can't print. */
export async function bySql(
  place: ToolPlace,
  revisions: readonly Revision[],
  order: Ordered,
): Promise<ReadonlyMap<string, BySql>> {
  const found = new Map<string, BySql>();
  for (const revision of revisions) {
    const sql = await sqlOf(place, revision, order);
    if (sql === null) continue;
    const { version, name, file } = revision;
    const read = await readPostgresText({ version, name, file, text: withoutTransaction(sql) }).catch(() => null);
    if (read !== null) found.set(version, { phase: read.phase, drops: lossWordsOf(read) });
  }
  return found;
}
