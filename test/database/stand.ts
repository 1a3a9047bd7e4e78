import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import type { Client } from "pg";
import { createPostgresMigrations, type MigrationSettings } from "../../src/adapters/database/postgres/migrations.ts";
import { type Fault, FaultError } from "../../src/core/fault.ts";
import type { DownRequest, MigrationProgress, Migrations, UpRequest } from "../../src/ports/migrations.ts";
import type { PostgresServer } from "../support/postgres.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

/** An app with a database of its own, and a folder of migrations. */
export interface DatabaseUnderTest extends AsyncDisposable {
  readonly url: string;
  readonly directory: string;
  readonly migrations: Migrations;
  readonly told: MigrationProgress[];
  readonly client: Client;
  /** Another one on the same database. */
  other(more?: Partial<MigrationSettings>): Migrations;
  write(name: string, text: string): void;
  remove(name: string): void;
  up(more?: Partial<UpRequest>): ReturnType<Migrations["up"]>;
  down(of: DownRequest["of"], more?: Partial<DownRequest>): ReturnType<Migrations["down"]>;
  /** First column of each row, as text. */
  column(sql: string): Promise<readonly string[]>;
}

/** A migration that makes a table, and takes it away again. */
export const ORDERS =
  "-- migrate:up\nCREATE TABLE orders (id int PRIMARY KEY, state text);\n-- migrate:down\nDROP TABLE orders;\n";
/** Waits for nobody for long. */
export const QUICK = { patience: { boundMs: 1_000, otherRunMs: 0, lagMs: 10_000, lockTimeoutMs: 100 } };
export const never = (): AbortSignal => new AbortController().signal;
let made = 0;

export async function databaseUnderTest(
  server: PostgresServer,
  files: Readonly<Record<string, string>>,
  more: Partial<MigrationSettings> = {},
): Promise<DatabaseUnderTest> {
  made += 1;
  const url = await server.database(`under_test_${made}`);
  const folder = temporaryFolder();
  const client = await server.session(url);
  const told: MigrationProgress[] = [];
  const settings = { url, values: () => ({}), redact: (text: string) => text, folder: "db", assertions: [] };
  const other: DatabaseUnderTest["other"] = (also) => createPostgresMigrations({ ...settings, ...more, ...also });
  const migrations = other();
  const write = (name: string, text: string): void => {
    mkdirSync(dirname(folder.file("db", name)), { recursive: true });
    writeFileSync(folder.file("db", name), text);
  };
  for (const [name, text] of Object.entries(files)) write(name, text);
  const going = {
    directory: folder.path,
    by: "alice",
    dryRun: false,
    tell: (each: MigrationProgress) => told.push(each),
  };
  return {
    url,
    directory: folder.path,
    migrations,
    told,
    client,
    other,
    write,
    remove: (name) => rmSync(folder.file("db", name)),
    up: (also) =>
      migrations.up({ ...going, signal: never(), phases: ["expand", "backfill", "contract"], release: null, ...also }),
    down: (of, also) => migrations.down({ ...going, signal: never(), of, acceptLoss: false, ...also }),
    column: async (sql) => {
      const { rows } = await client.query<unknown[]>({ text: sql, rowMode: "array" });
      return rows.map(([first]) => String(first));
    },
    [Symbol.asyncDispose]: async () => {
      await client.end();
      await folder[Symbol.asyncDispose]();
    },
  };
}

/** The fault of what has to fail. */
export async function faultOf(work: Promise<unknown>): Promise<Fault> {
  const thrown = await work.then(
    () => null,
    (error: unknown) => error,
  );
  if (thrown instanceof FaultError) return thrown.fault;
  throw thrown instanceof Error ? thrown : new Error("It did not fail.");
}
