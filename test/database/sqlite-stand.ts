import { mkdirSync, writeFileSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import { createSqliteMigrations } from "../../src/adapters/database/sqlite/migrations.ts";
import type { DownRequest, Migrations, UpRequest } from "../../src/ports/migrations.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";
import { never } from "./stand.ts";

/** An app with a file of SQLite, and a folder of migrations. */
export interface SqliteUnderTest extends AsyncDisposable {
  readonly folder: string;
  readonly path: string;
  readonly migrations: Migrations;
  write(name: string, text: string): void;
  up(more?: Partial<UpRequest>): ReturnType<Migrations["up"]>;
  down(of: DownRequest["of"], more?: Partial<DownRequest>): ReturnType<Migrations["down"]>;
  run(sql: string): void;
  column(sql: string): readonly unknown[];
}

export function sqliteUnderTest(files: Readonly<Record<string, string>>, more: object = {}): SqliteUnderTest {
  const folder = temporaryFolder();
  const path = folder.file("shop.db");
  mkdirSync(folder.file("db"));
  const write = (name: string, text: string): void => writeFileSync(folder.file("db", name), text);
  for (const [name, text] of Object.entries(files)) write(name, text);
  const migrations = createSqliteMigrations({
    path,
    folder: "db",
    assertions: [],
    patience: { otherRunMs: 0 },
    ...more,
  });
  const going = { directory: folder.path, by: "alice", dryRun: false, tell: () => undefined };
  return {
    folder: folder.path,
    path,
    migrations,
    write,
    up: (also) =>
      migrations.up({ ...going, signal: never(), phases: ["expand", "backfill", "contract"], release: null, ...also }),
    down: (of, also) => migrations.down({ ...going, signal: never(), of, acceptLoss: false, ...also }),
    run: (sql) => {
      using database = new DatabaseSync(path);
      database.exec(sql);
    },
    column: (sql) => {
      using database = new DatabaseSync(path);
      return database
        .prepare(sql)
        .all()
        .map((row) => Object.values(row)[0]);
    },
    [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose](),
  };
}
