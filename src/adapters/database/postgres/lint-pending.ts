import type { Client } from "pg";
import type { LintedStatement } from "../../../core/migration/finding.ts";
import type { ServedQueries, Serving } from "../../../core/migration/serving.ts";
import type { PlacedFinding } from "../../../ports/migrations.ts";
import { lint, type SqlFile } from "../../../migrations/lint/lint.ts";
import { namesAskedIn } from "../../../migrations/serving/asked.ts";
import { judgeBy } from "../../../migrations/serving/judge.ts";
import { loadParser, type SqlParser } from "../../../migrations/sql/parser.ts";
import { readCatalogue } from "./catalogue.ts";
import { queriesSeen } from "./served-queries.ts";
import { readQueriesFile } from "../queries-file.ts";

/** Where the version that serves says what it asks; null: nowhere. */
export type QueriesPlace = { readonly directory: string; readonly file: string } | null;

/** What is known of some names in a database of PostgreSQL, and of those who use it. Faults: those of the queries' file. */
export async function readServing(client: Client, names: readonly string[], place: QueriesPlace): Promise<Serving> {
  const catalogue = await readCatalogue(client, names);
  return { catalogue, queries: await queriesOf(client, place) };
}

/** Who writes them down says that these are all; what the server has seen comes to them. */
async function queriesOf(client: Client, place: QueriesPlace): Promise<ServedQueries | null> {
  const seen = await queriesSeen(client);
  if (place === null) return seen;
  const written = await queriesWritten(place);
  if (seen === null) return written;
  return { from: `${written.from} and ${seen.from}`, list: [...written.list, ...seen.list], doubt: null };
}

/** What is asked again after migrations: what is written down, else what the server has seen, which may be of a version long gone. */
export async function queriesToAsk(client: Client, place: QueriesPlace): Promise<ServedQueries | null> {
  return place === null ? await queriesSeen(client) : await queriesWritten(place);
}

async function queriesWritten({ directory, file }: NonNullable<QueriesPlace>): Promise<ServedQueries> {
  return { from: file, list: readQueriesFile(directory, file, await loadParser()), doubt: null };
}

/**
 * What the linter finds in the way forward of each file that is not applied, by its name, in this very database. The applied ones are read
 * for what they prove.
 */
export async function lintPending(
  client: Client,
  files: readonly SqlFile[],
  place: QueriesPlace,
  { isEmpty = false }: { /** As if the database held nothing. */ readonly isEmpty?: boolean } = {},
): Promise<ReadonlyMap<string, readonly PlacedFinding[]>> {
  const pending = files.filter(({ isApplied }) => isApplied !== "whole");
  if (pending.length === 0) return new Map();
  const parse = await loadParser();
  const serving = await readServing(client, isEmpty ? [] : namesAskedIn(pending, parse), place);
  return byFile(pending, linted(files, serving, parse));
}

function linted(files: readonly SqlFile[], serving: Serving, parse: SqlParser): readonly LintedStatement[] {
  return lint(files, { parse, isTransactionAssumed: true, isForward: true, judge: judgeBy(serving, parse) });
}

function byFile(
  pending: readonly SqlFile[],
  statements: readonly LintedStatement[],
): ReadonlyMap<string, readonly PlacedFinding[]> {
  return new Map(
    pending.map(({ name }) => [
      name,
      statements.flatMap(({ file, line, findings }) =>
        file === name ? findings.map((each) => ({ ...each, line })) : [],
      ),
    ]),
  );
}
