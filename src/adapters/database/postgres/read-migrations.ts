import { noWayForward } from "../no-way-forward.ts";
import { createHash } from "node:crypto";
import type { Node } from "@pgsql/types";
import { FaultError } from "../../../core/fault.ts";
import type { Change } from "../../../migrations/lint/change.ts";
import { neverEnds } from "../../../migrations/lint/batches.ts";
import { changesOf } from "../../../migrations/lint/changes-of.ts";
import { batchBefore, headersOf } from "../../../migrations/lint/headers.ts";
import { changesInside } from "../../../migrations/lint/read-statements.ts";
import { scriptsOf } from "../../../migrations/lint/script.ts";
import { unreachedIn } from "../../../migrations/lint/unreached.ts";
import { loadParser, type SqlParser } from "../../../migrations/sql/parser.ts";
import { lineOf } from "../../../migrations/sql/line-of.ts";
import type { MigrationFile, Statement } from "../migration-file.ts";
import { scriptOf } from "../units-of.ts";
import { takenAway } from "./taken-by-way-forward.ts";
import { readMigrationTexts, type SqlText } from "../read-files.ts";

/** A statement as PostgreSQL's own parser reads it. */
export interface ReadStatement extends Statement {
  readonly node: Node;
  readonly changes: readonly Change[];
  /** Of a `DO`: what the statements in it change, as far as anybody can look into it. */
  readonly inside: readonly Change[];
}

export type PostgresFile = MigrationFile<ReadStatement>;

/**
 * The migrations of a folder.
 * Faults: those of read-files, migration-unreadable, migration-psql-command, migration-copy-from-stdin, migration-own-transaction, migration-unnamed-index.
 */
export async function readPostgresMigrations(directory: string, folder: string): Promise<readonly PostgresFile[]> {
  const texts = readMigrationTexts(directory, folder);
  if (texts.length === 0) return [];
  const parse = await loadParser();
  return texts.map((text) => readOne(text, parse));
}

/** The same for a text that is no file any more: what the ledger has kept of one. */
export async function readPostgresText(text: SqlText): Promise<PostgresFile> {
  return readOne(text, await loadParser());
}

function readOne({ version, name, file, text }: SqlText, parse: SqlParser): PostgresFile {
  const scripts = scriptsOf(file, text, "script");
  const { phase, reversible, misspelt } = headersOf(text);
  const read = (way: "up" | "down") => {
    const script = scripts.find((each) => each.way === way);
    if (script === undefined) return null;
    const [meta] = script.psql;
    if (meta !== undefined) throw psqlCommand(file, lineOf(text, meta.at), meta.line);
    const { statements, unread } = parse(script.text);
    const [wrong] = unread;
    if (wrong !== undefined) throw unreadable(file, lineOf(text, wrong.at), wrong.message);
    let before = 0;
    const all = statements.map((statement) => {
      const { node, start, end } = statement;
      const batch = batchBefore(script.text, before, start);
      before = end;
      const sql = script.text.slice(start, end);
      const inside = changesInside(statement);
      return { node, changes: changesOf(node), inside, sql, start, line: lineOf(text, start), batch };
    });
    for (const each of all) refuse(file, each);
    return { all, isInTransaction: script.transaction !== null && all.every(({ batch }) => batch === null) };
  };
  const [up, down] = [read("up"), read("down")];
  if (up === null) throw noWayForward(file);
  return {
    version,
    name,
    file,
    text,
    sha256: createHash("sha256").update(text).digest("hex"),
    // Without a header: what takes away something that others may use waits until nobody does.
    phase: phase ?? (takenAway(up.all).length > 0 ? "contract" : "expand"),
    reversible,
    misspelt,
    unreached: unreachedIn(text),
    up: scriptOf(file, up, READING),
    down: down === null || down.all.length === 0 ? null : scriptOf(file, down, READING),
  };
}

const hasChange =
  (kind: "begin" | "end") =>
  ({ changes }: ReadStatement): boolean =>
    changes.some((change) => change.kind === kind);
const READING = {
  begins: hasChange("begin"),
  ends: hasChange("end"),
  neverEnds: ({ changes }: ReadStatement) => neverEnds(changes),
};

function refuse(file: string, { node, line, changes }: ReadStatement): void {
  if (
    "CopyStmt" in node &&
    node.CopyStmt.is_from === true &&
    node.CopyStmt.filename === undefined &&
    node.CopyStmt.is_program !== true
  )
    throw new FaultError({
      code: "migration-copy-from-stdin",
      what: "COPY … FROM stdin is for psql: no server finds the rows in the file.",
      where: `${file}:${line}`,
      fix: "write them as INSERT: pg_dump --inserts",
    });
  const unnamed = changes.some(
    (change) => change.kind === "create-index" && change.isConcurrent && change.name === null,
  );
  if (unnamed)
    throw new FaultError({
      code: "migration-unnamed-index",
      what: "An index that is built CONCURRENTLY needs a name here: without one nobody finds again what a run left that was cut off.",
      where: `${file}:${line}`,
      fix: "write CREATE INDEX CONCURRENTLY name ON …",
    });
}

function psqlCommand(file: string, line: number, written: string): FaultError {
  const [command] = written.split(/\s/);
  return new FaultError({
    code: "migration-psql-command",
    what: `\`${command}\` is a command of psql, and no server understands it.`,
    where: `${file}:${line}`,
    fix: "leave it out; what \\i reads can stand in the file itself",
  });
}

function unreadable(file: string, line: number, message: string): FaultError {
  return new FaultError({
    code: "migration-unreadable",
    what: "PostgreSQL can't read this, so nothing of any file was run.",
    where: `${file}:${line}`,
    cause: message,
    fix: `mend it, then: tidegate migrate lint ${file}`,
  });
}
