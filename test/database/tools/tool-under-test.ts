import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import type { Client } from "pg";
import { copySchema } from "../../../src/adapters/backup/postgres/schema-copy.ts";
import { createToolMigrations, type ToolMigrationSettings } from "../../../src/adapters/database/tools/migrations.ts";
import type { OwnTool } from "../../../src/core/plan/database.ts";
import type { DownRequest, MigrationProgress, Migrations, UpRequest } from "../../../src/ports/migrations.ts";
import type { PostgresServer } from "../../support/postgres.ts";
import { temporaryFolder } from "../../support/temporary-folder.ts";
import { never } from "../stand.ts";
import type { TcpDoor } from "./tcp-door.ts";

/** An app whose schema a tool of its own changes, and a database for it. */
export interface ToolUnderTest extends AsyncDisposable {
  readonly url: string;
  readonly directory: string;
  readonly told: MigrationProgress[];
  readonly client: Client;
  readonly migrations: Migrations;
  other(more: Partial<ToolMigrationSettings>): Migrations;
  write(name: string, text: string, mode?: number): void;
  remove(name: string): void;
  up(more?: Partial<UpRequest>): ReturnType<Migrations["up"]>;
  down(of: DownRequest["of"], more?: Partial<DownRequest>): ReturnType<Migrations["down"]>;
  status(): ReturnType<Migrations["status"]>;
  /** First column of each row, as text. */
  column(sql: string): Promise<readonly string[]>;
  /** The sum of all rows of a table, in whatever order. */
  checksum(table: string): Promise<string>;
}

let made = 0;

export async function toolUnderTest(
  server: PostgresServer,
  tool: OwnTool,
  files: Readonly<Record<string, string>>,
  { door, ...more }: Partial<ToolMigrationSettings> & { readonly door?: TcpDoor } = {},
): Promise<ToolUnderTest> {
  made += 1;
  const name = `tool_${made}`;
  const socket = await server.database(name);
  const url = door?.url(name) ?? socket;
  const folder = temporaryFolder();
  const client = await server.session(url);
  const told: MigrationProgress[] = [];
  const env = { ...process.env, PATH: `${server.bin}:${process.env["PATH"] ?? ""}` };
  const database = { url, values: () => ({}), redact: (text: string) => text };
  const other = (also: Partial<ToolMigrationSettings>): Migrations => {
    const settings = { ...database, tool, addressName: null, env, assertions: [], ...more, ...also };
    const copy: ToolMigrationSettings["copySchema"] = (withRows, signal) =>
      copySchema({ database: settings, env, folders: [], scratch: null }, withRows, signal);
    return createToolMigrations({ copySchema: copy, ...settings });
  };
  const migrations = other({});
  const write = (file: string, text: string, mode = 0o644): void => {
    mkdirSync(dirname(folder.file(file)), { recursive: true });
    writeFileSync(folder.file(file), text, { mode });
  };
  for (const [file, text] of Object.entries(files)) write(file, text, file.startsWith("bin/") ? 0o755 : 0o644);
  const going = {
    directory: folder.path,
    by: "alice",
    dryRun: false,
    tell: (each: MigrationProgress) => told.push(each),
  };
  const column = async (sql: string): Promise<readonly string[]> => {
    const { rows } = await client.query<unknown[]>({ text: sql, rowMode: "array" });
    return rows.map(([first]) => String(first));
  };
  return {
    url,
    directory: folder.path,
    told,
    client,
    migrations,
    other,
    write,
    remove: (file) => rmSync(folder.file(file)),
    up: (also) =>
      migrations.up({ ...going, signal: never(), phases: ["expand", "backfill", "contract"], release: null, ...also }),
    down: (of, also) => migrations.down({ ...going, signal: never(), of, acceptLoss: false, ...also }),
    status: () => migrations.status({ directory: folder.path, signal: never() }),
    column,
    checksum: async (table) => (await column(`SELECT sum(hashtextextended(t::text, 0)) FROM ${table} t`))[0] ?? "",
    [Symbol.asyncDispose]: async () => {
      await client.end();
      await folder[Symbol.asyncDispose]();
    },
  };
}
