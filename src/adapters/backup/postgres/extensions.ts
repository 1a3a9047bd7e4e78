import { pipeline } from "node:stream/promises";
import type { Client } from "pg";
import { redactOf } from "../../database/postgres/connect.ts";
import type { ExtensionLeftOut } from "../../../ports/backups.ts";
import type { Going, StoredBackup } from "../kind.ts";
import { plainTextOf } from "../plain-text.ts";
import { startProgram } from "../program.ts";
import { identifier } from "./quoting.ts";
import type { PostgresBackups } from "./settings.ts";

/** What of a backup is restored where the role may not make all of its extensions. */
export interface WithoutExtensions {
  /** Lines of pg_restore's `--list`, for its `--use-list`. */
  readonly list: readonly string[];
  /** That nobody has made there either. */
  readonly missing: readonly string[];
}

/** null: the role may make all of them. */
export async function withoutExtensions(
  client: Client,
  stored: StoredBackup,
  program: string,
  backups: PostgresBackups,
  going: Going,
): Promise<WithoutExtensions | null> {
  const { rows } = await client.query("SELECT FROM pg_roles WHERE rolname = current_user AND rolsuper");
  if (rows.length > 0) return null;
  const list = await listOf(stored, program, backups, going);
  const names = list.flatMap((line) => extensionIn(line) ?? []);
  const refused = await notForUs(client, names);
  if (refused.size === 0) return null;
  return {
    list: list.filter((line) => !refused.has(extensionIn(line) ?? "")),
    missing: [...refused].flatMap(([name, isThere]) => (isThere ? [] : [name])),
  };
}

/** Those of a backup that a restore will lack; what it goes into has nothing yet where `isFresh`. */
export async function extensionsToMiss(
  client: Client,
  stored: StoredBackup,
  isFresh: boolean,
  program: string,
  backups: PostgresBackups,
  going: Going,
): Promise<readonly string[]> {
  const list = await listOf(stored, program, backups, going);
  const { rows } = await client.query<{ name: string }>(
    `SELECT DISTINCT n.name FROM unnest($1::text[]) AS n (name)
       WHERE NOT (SELECT rolsuper FROM pg_roles WHERE rolname = current_user) AND ${IS_UNTRUSTED("n.name")}
         AND ($2 OR NOT EXISTS (SELECT FROM pg_extension e WHERE e.extname = n.name)) ORDER BY 1`,
    [list.flatMap((line) => extensionIn(line) ?? []), isFresh],
  );
  return rows.map(({ name }) => name);
}

/** With what a superuser runs to make them. */
export function leftOut(names: readonly string[]): { readonly extensionsLeftOut?: readonly ExtensionLeftOut[] } {
  if (names.length === 0) return {};
  return {
    extensionsLeftOut: names.map((name) => ({ name, statement: `CREATE EXTENSION ${identifier(name)}` })),
  };
}

/** Extensions of a database that its role may not make anywhere. */
export async function untrustedExtensions(client: Client): Promise<readonly string[]> {
  const { rows } = await client.query<{ name: string }>(
    `SELECT extname AS name FROM pg_extension WHERE NOT (SELECT rolsuper FROM pg_roles WHERE rolname = current_user)
       AND ${IS_UNTRUSTED("extname")} ORDER BY 1`,
  );
  return rows.map(({ name }) => name);
}

/** One that the server does not know at all is no question of rights: pg_restore says so. */
const IS_UNTRUSTED = (name: string): string =>
  `(SELECT bool_and(superuser AND NOT trusted) FROM pg_available_extension_versions v WHERE v.name = ${name})`;

/** Each with whether somebody else has made it there already. */
async function notForUs(client: Client, names: readonly string[]): Promise<ReadonlyMap<string, boolean>> {
  const { rows } = await client.query<{ name: string; there: boolean }>(
    `SELECT DISTINCT n.name, e.oid IS NOT NULL AS there FROM unnest($1::text[]) AS n (name)
       LEFT JOIN pg_extension e ON e.extname = n.name AND NOT pg_has_role(e.extowner, 'USAGE')
       WHERE e.oid IS NOT NULL OR ${IS_UNTRUSTED("n.name")}`,
    [names],
  );
  return new Map(rows.map(({ name, there }) => [name, there]));
}

/** `5; 3079 16388 EXTENSION - hstore`, `3359; 0 0 COMMENT - EXTENSION hstore`. */
function extensionIn(line: string): string | undefined {
  return /^\d+; \d+ \d+ (?:EXTENSION - |COMMENT - EXTENSION )(\S+)/.exec(line)?.[1];
}

async function listOf(
  stored: StoredBackup,
  program: string,
  { database, env }: PostgresBackups,
  { signal }: Going,
): Promise<readonly string[]> {
  const redact = redactOf(database);
  const isPlain = stored.identity === null;
  const words = ["--list", ...(isPlain ? [stored.path] : [])];
  const running = await startProgram({ program, arguments: words, env, redact, signal });
  const fed = isPlain ? running.input.end() : feed();
  const chunks: Buffer[] = [];
  for await (const chunk of running.output) chunks.push(chunk as Buffer);
  await fed;
  await running.ended;
  return Buffer.concat(chunks).toString().split("\n");

  async function feed(): Promise<void> {
    const plain = await plainTextOf(stored, { env, redact, signal });
    // The list stands at the beginning: once it is read, nobody reads on.
    await pipeline(plain.output, running.input, { signal }).catch(() => plain.output.destroy());
  }
}
