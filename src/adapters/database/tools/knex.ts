import { join, relative } from "node:path";
import type { KnownTool } from "../../../core/plan/database.ts";
import { installed, nearestFolder } from "./node-programs.ts";
import { columnOf, isThere } from "./own-table.ts";
import { filesOf, inARow, readRevision, type Version } from "./read-revision.ts";
import type { Tool } from "./tool.ts";

const TABLE = "knex_migrations";
const LOCK = "knex_migrations_lock";
const KNEXFILES = ["js", "cjs", "mjs", "ts"].map((extension) => `knexfile.${extension}`);

/** Migrations of Knex, each by the name of its file. */
export function knex(plan: KnownTool, version: Version): Tool {
  const { directory } = version;
  const migrations = join(directory, plan.folder);
  const folder = nearestFolder(migrations, directory, KNEXFILES);
  const where = ["--migrations-directory", relative(folder, migrations) || "."];
  return {
    name: "knex",
    folder,
    program: plan.command ?? installed("knex", folder, directory),
    order: "any",
    tables: [TABLE, LOCK],
    needsAllFiles: true,
    environment: (url) => ({ DATABASE_URL: url }),
    ways: { make: "knex migrate:make NAME", mark: `INSERT INTO ${TABLE} (name, batch, migration_time) VALUES (…)` },
    revisions: async () =>
      inARow(
        filesOf(migrations, "*", (path) => /\.(?:[cm]?js|ts)$/.test(path) && !path.endsWith(".d.ts")).map((path) =>
          readRevision(version, path, [], (text) => ({
            version: path.replace(/^.*\//, ""),
            hasDown: /\bdown\b/.test(text),
            isInTransaction: !/\btransaction\s*:\s*false\b/.test(text),
          })),
        ),
      ),
    applied: ({ client }) => columnOf(client, TABLE, `SELECT name FROM ${TABLE} ORDER BY id`),
    all: ["migrate:latest", ...where],
    up: ({ version: name }) => ["migrate:up", name, ...where],
    down: ({ version: name }) => ["migrate:down", name, ...where],
    check: ["migrate:currentVersion", ...where],
    // A run that was killed leaves its row of the lock; nobody else runs while we have ours.
    unlock: async (client) => {
      if (await isThere(client, LOCK)) await client.query(`UPDATE ${LOCK} SET is_locked = 0 WHERE is_locked <> 0`);
    },
  };
}
