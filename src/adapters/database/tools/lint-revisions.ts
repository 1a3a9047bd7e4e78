import type { Client } from "pg";
import type { PlacedFinding } from "../../../ports/migrations.ts";
import { lintPending, type QueriesPlace } from "../postgres/lint-pending.ts";
import type { Known } from "./known.ts";
import type { KnownPending } from "./phases.ts";
import { sqlOf, withoutTransaction } from "./printed-sql.ts";
import { lineOfWayForward } from "./read-revision.ts";
import type { ToolPlace } from "./run-tool.ts";
import type { Revision, Tool } from "./tool.ts";

/** By the revision's version. */
export type Findings = ReadonlyMap<string, readonly PlacedFinding[]>;

/** What the linter finds in the SQL that a tool would run for what is pending; nothing where the tool can't say, or nobody uses the database. */
export async function lintRevisions(
  place: ToolPlace,
  client: Client,
  { pending, revisions, standing, isEmpty }: Known,
  queries: QueriesPlace,
): Promise<Findings> {
  const { tool } = place;
  if (tool.sql === undefined || isEmpty || pending.length === 0 || standing.problems.length > 0) return new Map();
  const order = { revisions, applied: standing.versions };
  const files = [];
  for (const each of pending) {
    const sql = await sqlOf(place, each.revision, order);
    if (sql !== null)
      files.push({
        name: each.revision.file,
        text: textOf(tool, each, sql),
        phase: each.phase,
        isPrinted: true as const,
      });
  }
  const found = await lintPending(client, files, queries);
  return new Map(pending.map(({ revision }) => [revision.version, placedIn(revision, found.get(revision.file) ?? [])]));
}

/** As a file of SQL, without what the tool writes down for itself. */
function textOf({ tables }: Tool, { revision }: KnownPending, sql: string): string {
  const own = new RegExp(
    String.raw`^(?:INSERT INTO|UPDATE|DELETE FROM|CREATE TABLE) "?(?:${tables.join("|")})\b[^;]*;[^\S\n]*$`,
    "gim",
  );
  const header = revision.isInTransaction ? "" : "-- migrate:up transaction:false\n";
  return `${header}${withoutTransaction(sql).replaceAll(own, "")}`;
}

/** The SQL's lines are not the file's: the place is where its way forward begins. What it allows it says in comments of its own language. */
function placedIn(revision: Revision, findings: readonly PlacedFinding[]): readonly PlacedFinding[] {
  const line = lineOfWayForward(revision);
  const allowed = new Map(
    [...revision.text.matchAll(ALLOW)].map(([, rule = "", because = ""]) => [rule, because.trim()]),
  );
  return findings.map((finding) => {
    const because = allowed.get(finding.rule);
    return { ...finding, line, ...(because === undefined ? {} : { allowed: because }) };
  });
}

const ALLOW = /^[ \t]*(?:#|\/\/|--|\*)+[ \t]*tidegate:allow[ \t]+([\w-]+)[ \t]+because[ \t]+(\S[^\n]*)/gm;
