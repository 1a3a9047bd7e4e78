import { existsSync } from "node:fs";
import { join } from "node:path";
import type { KnownTool } from "../../../core/plan/database.ts";
import { isProgram } from "./program.ts";
import { byName, filesOf, inARow, readRevision, type Version } from "./read-revision.ts";
import { columnOf } from "./own-table.ts";
import type { Tool } from "./tool.ts";

const TABLE = "schema_migrations";

/** Migrations of Ruby on Rails, each by its own number. */
export function rails(plan: KnownTool, version: Version): Tool {
  const folder = join(version.directory, plan.folder);
  return {
    name: "rails",
    folder,
    program: plan.command ?? programIn(folder),
    order: "any",
    tables: [TABLE, "ar_internal_metadata"],
    needsAllFiles: false,
    environment: (url) => ({
      DATABASE_URL: url,
      // What stays behind to answer the next command would be another database's.
      DISABLE_SPRING: "1",
      // A version's folder is not written to; db/schema.rb is made where migrations are.
      SCHEMA: "/dev/null",
    }),
    ways: {
      make: "bin/rails generate migration NAME",
      mark: "INSERT INTO schema_migrations (version) VALUES ('VERSION')",
    },
    revisions: async () =>
      inARow(
        filesOf(folder, "db/migrate/**/*.rb", (path) => /(^|\/)\d+_[^/]*\.rb$/.test(path)).map((path) =>
          readRevision(version, path, [], (text) => ({
            version: /([0-9]+)_[^/]*$/.exec(path)?.[1] ?? path,
            hasDown: hasDown(text),
            isInTransaction: !/^\s*disable_ddl_transaction!/m.test(text),
          })),
        ),
      ),
    applied: async ({ client }) => (await columnOf(client, TABLE, `SELECT version FROM ${TABLE}`)).toSorted(byName),
    all: ["db:migrate"],
    up: ({ version: number }) => ["db:migrate:up", `VERSION=${number}`],
    down: ({ version: number }) => ["db:migrate:down", `VERSION=${number}`],
    check: ["db:version"],
  };
}

function programIn(folder: string): readonly string[] {
  if (isProgram(join(folder, "bin/rails"))) return ["bin/rails"];
  return existsSync(join(folder, "Gemfile")) ? ["bundle", "exec", "rails"] : ["rails"];
}

function hasDown(text: string): boolean {
  const down = /^\s*def (?:self\.)?down\b(.*?)^\s*end\b/ms.exec(text)?.[1];
  if (down !== undefined) return !/^\s*raise\b/m.test(down);
  return /^\s*def (?:self\.)?change\b/m.test(text);
}
