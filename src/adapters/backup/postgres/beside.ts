import { createHash, randomBytes } from "node:crypto";
import type { Client } from "pg";
import { FaultError } from "../../../core/fault.ts";
import { fillReferences } from "../../../core/text/references.ts";
import { connectPostgres } from "../../database/postgres/connect.ts";
import { errorOf } from "../../database/postgres/faults.ts";
import type { DatabaseSettings } from "../../database/settings.ts";
import { identifier, literal } from "./quoting.ts";

/** A database of its own on the same server, gone when it is disposed of unless it was kept. */
export interface Beside extends AsyncDisposable {
  readonly name: string;
  readonly settings: DatabaseSettings;
  /** Connected to the database beside which it was made. */
  readonly client: Client;
  /** It stays, under a name that people understand, and with this comment. Nobody may be in it. */
  keepAs(name: string, comment: string | null): Promise<string>;
}

/** What it is for, which its name says: `tidegate_try_…` for a look at a backup, `tidegate_restore_…` for what will take a database's place. */
type Purpose = "try" | "restore";

/** What those who look at the server are told of its connection. */
const SEEN_AS: Readonly<Record<Purpose, string>> = { try: "tidegate backup", restore: "tidegate restore" };

/** Of the advisory locks that say "somebody still needs this database"; "TGBS" in ASCII. */
const LOCK_SPACE = 0x54_47_42_53;
const COMMENT = "Made by Tidegate";

/**
 * Makes an empty database with the traits of the one that `settings` are of, and takes away what killed runs have left. A lock says that it
 * is in use: the server frees that when this process dies, however it dies. Faults: backup-database-not-created.
 */
export async function besideDatabase(
  settings: DatabaseSettings,
  { purpose, why, signal }: { readonly purpose: Purpose; readonly why: string; readonly signal: AbortSignal },
): Promise<Beside> {
  const connection = await connectPostgres(settings, { application: SEEN_AS[purpose], signal });
  const { client } = connection;
  try {
    const family = await familyOf(client);
    await sweep(client, family);
    const name = `tidegate_${purpose}_${family}_${randomBytes(4).toString("hex")}`;
    await client.query("SELECT pg_advisory_lock($1, hashtext($2))", [LOCK_SPACE, name]);
    await create(client, name, why);
    let isKept = false;
    return {
      name,
      settings: withDatabase(settings, name),
      client,
      keepAs: async (lasting, comment) => {
        await client.query(`ALTER DATABASE ${identifier(name)} RENAME TO ${identifier(lasting)}`);
        isKept = true;
        await client.query(
          `COMMENT ON DATABASE ${identifier(lasting)} IS ${comment === null ? "NULL" : literal(comment)}`,
        );
        return lasting;
      },
      [Symbol.asyncDispose]: async () => {
        await using closing = connection;
        if (isKept) return;
        // Told to stop, this connection has ended already, and the copy must go all the same.
        await drop(closing.client, name).catch(() => dropAnew(settings, name));
      },
    };
  } catch (error) {
    await connection[Symbol.asyncDispose]();
    throw error;
  }
}

/** The address of another database of the same server. */
export function withDatabase(settings: DatabaseSettings, name: string): DatabaseSettings {
  // As it is written: the driver that SQLAlchemy names in it means something to alembic.
  const url = new URL(fillReferences(settings.url, settings.values()));
  url.pathname = `/${encodeURIComponent(name)}`;
  // Everything is filled in, and nothing that looks like a reference is one.
  return { ...settings, url: url.href.replaceAll("${", "$${"), values: () => ({}) };
}

/** In each name: what belongs to another database of this server is another Tidegate's. */
async function familyOf(client: Client): Promise<string> {
  const { rows } = await client.query<{ oid: string }>(
    "SELECT oid::text AS oid FROM pg_database WHERE datname = current_database()",
  );
  return createHash("sha256")
    .update(rows[0]?.oid ?? "")
    .digest("hex")
    .slice(0, 8);
}

async function sweep(client: Client, family: string): Promise<void> {
  const { rows } = await client.query<{ name: string }>(
    `SELECT datname AS name FROM pg_database WHERE datname ~ $1 AND pg_get_userbyid(datdba) = current_user
       AND coalesce(shobj_description(oid, 'pg_database'), $2) LIKE $2 || '%'`,
    [`^tidegate_(try|restore)_${family}_[0-9a-f]{8}$`, COMMENT],
  );
  for (const { name } of rows) {
    const { rows: locks } = await client.query<{ free: boolean }>(
      "SELECT pg_try_advisory_lock($1, hashtext($2)) AS free",
      [LOCK_SPACE, name],
    );
    if (locks[0]?.free !== true) continue;
    await drop(client, name);
    await client.query("SELECT pg_advisory_unlock($1, hashtext($2))", [LOCK_SPACE, name]);
  }
}

async function create(client: Client, name: string, why: string): Promise<void> {
  const { rows } = await client.query<{ traits: Traits; encoding: string }>(
    "SELECT to_jsonb(d) AS traits, pg_encoding_to_char(encoding) AS encoding FROM pg_database d WHERE datname = current_database()",
  );
  const { traits, encoding = "UTF8" } = rows[0] ?? { traits: {} };
  try {
    await client.query(
      `CREATE DATABASE ${identifier(name)} TEMPLATE template0 ENCODING ${literal(encoding)}${localeOf(traits)}`,
    );
  } catch (error) {
    throw notCreated(error);
  }
  await client.query(
    `COMMENT ON DATABASE ${identifier(name)} IS ${literal(`${COMMENT} ${why}; nothing needs it once that is over.`)}`,
  );
}

/** A row of pg_database; its columns differ by version. */
interface Traits {
  readonly datcollate?: string;
  readonly datctype?: string;
  /** From 15 on: c (libc), i (ICU), b (builtin). */
  readonly datlocprovider?: string;
  readonly daticulocale?: string | null;
  readonly datlocale?: string | null;
}

function localeOf({ datcollate, datctype, datlocprovider = "c", daticulocale, datlocale }: Traits): string {
  const locale = datlocale ?? daticulocale;
  const provider =
    datlocprovider === "i" && typeof locale === "string"
      ? ` LOCALE_PROVIDER icu ICU_LOCALE ${literal(locale)}`
      : datlocprovider === "b" && typeof locale === "string"
        ? ` LOCALE_PROVIDER builtin BUILTIN_LOCALE ${literal(locale)}`
        : "";
  return `${datcollate === undefined ? "" : ` LC_COLLATE ${literal(datcollate)}`}${datctype === undefined ? "" : ` LC_CTYPE ${literal(datctype)}`}${provider}`;
}

async function drop(client: Client, name: string): Promise<void> {
  // FORCE: the programs of a killed run may still be at work in it.
  await client.query(`DROP DATABASE IF EXISTS ${identifier(name)} WITH (FORCE)`);
}

async function dropAnew(settings: DatabaseSettings, name: string): Promise<void> {
  const signal = AbortSignal.timeout(30_000);
  // What can't be dropped now is found by its name the next time.
  const connection = await connectPostgres(settings, { application: "tidegate backup", signal }).catch(() => null);
  if (connection === null) return;
  await using open = connection;
  await drop(open.client, name).catch(() => undefined);
}

function notCreated(error: unknown): FaultError {
  const { code, message } = errorOf(error);
  const isRefused = code === "42501" || code === "25006";
  return new FaultError(
    {
      code: "backup-database-not-created",
      what: isRefused
        ? "The role may not create a database on the server, and beside the one that is there nothing can be restored without one."
        : "No database could be created on the server to restore into.",
      cause: message,
      fix: isRefused ? "ALTER ROLE role CREATEDB" : "mend what it says, then try again",
    },
    { cause: error },
  );
}
