import type { Change, Column } from "../../../migrations/lint/change.ts";
import { changesIn, type PendingStatement } from "../../../migrations/serving/lost-assertions.ts";
import type { SqlParser } from "../../../migrations/sql/parser.ts";
import type { SchemaChange } from "./schema-change.ts";
import type { Thing } from "./schema.ts";
import type { Known } from "./known.ts";
import type { KnownPending } from "./phases.ts";
import { sqlOf, withoutTransaction } from "./printed-sql.ts";
import { lineOfWayForward } from "./read-revision.ts";
import type { ToolPlace } from "./run-tool.ts";

/**
 * What revisions take away and bring: by what they did on the copy of the schema, else by the SQL that the tool prints. Nothing of those of which
 * neither is known.
 */
export async function changesOfRevisions(
  place: ToolPlace,
  wanted: readonly KnownPending[],
  { tried, revisions, standing }: Pick<Known, "tried" | "revisions" | "standing">,
  parse: SqlParser,
): Promise<readonly PendingStatement[]> {
  const all: PendingStatement[] = [];
  for (const { revision } of wanted) {
    const found = tried.get(revision.version);
    const way = found !== undefined && "up" in found ? found.up : null;
    const sql = way === null ? await sqlOf(place, revision, { revisions, applied: standing.versions }) : null;
    const changes =
      way === null ? (sql === null ? [] : changesIn(withoutTransaction(sql), parse)) : changesBy(way.change);
    all.push({ file: revision.file, line: lineOfWayForward(revision), changes });
  }
  return all;
}

function changesBy({ vanished, appeared }: SchemaChange): readonly Change[] {
  return [...vanished.flatMap(dropOf), ...appeared.flatMap(additionOf)];
}

function dropOf({ kind, name, table }: Thing): readonly Change[] {
  if (kind === "column") return [{ kind: "drop-column", table: bare(table ?? ""), column: bare(name) }];
  if (!READ_BY_QUERIES.has(kind)) return [];
  return [{ kind: "drop", what: "table", names: [bare(name)], isConcurrent: false, isQualified: true }];
}

function additionOf({ kind, name, table }: Thing): readonly Change[] {
  if (kind === "column")
    return [{ kind: "add-column", table: bare(table ?? ""), column: { ...PLAIN, name: bare(name) } }];
  if (!READ_BY_QUERIES.has(kind)) return [];
  return [{ kind: "create-table", table: bare(name), columns: [], isTemporary: false, isQualified: true }];
}

/** Of one that comes nobody asks more than its name here. */
const PLAIN: Omit<Column, "name"> = {
  type: { name: "", schema: null, hasLength: false },
  isNotNull: false,
  default: "none",
  isGenerated: false,
  isIdentity: false,
  constraints: [],
};

const READ_BY_QUERIES: ReadonlySet<Thing["kind"]> = new Set(["table", "foreign table", "view", "materialized view"]);

/** As the linter has names. */
function bare(name: string): string {
  return name.replaceAll('"', "");
}
