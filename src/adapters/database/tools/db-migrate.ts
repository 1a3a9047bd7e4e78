import { symlinkSync } from "node:fs";
import { join, relative } from "node:path";
import type { KnownTool } from "../../../core/plan/database.ts";
import { installed } from "./node-programs.ts";
import { columnOf } from "./own-table.ts";
import { filesOf, inARow, readRevision, type Version } from "./read-revision.ts";
import type { Tool } from "./tool.ts";

const TABLE = "migrations";

/**
 * db-migrate of Node. It counts steps forward and back, and keeps a set of names: shown a folder with a single file it applies that one, whatever
 * waits before it. Node finds what the file asks for from where it really lies.
 */
export function dbMigrate(plan: KnownTool, version: Version): Tool {
  const { directory } = version;
  const migrations = join(directory, plan.folder);
  const where = ["--migrations-dir", relative(directory, migrations) || "."];
  return {
    name: "db-migrate",
    folder: directory,
    program: plan.command ?? installed("db-migrate", directory, directory),
    order: "any",
    tables: [TABLE],
    needsAllFiles: false,
    environment: (url) => ({ DATABASE_URL: url }),
    ways: { make: "db-migrate create NAME", mark: `INSERT INTO ${TABLE} (name, run_on) VALUES ('/NAME', now())` },
    revisions: async () =>
      inARow(
        filesOf(migrations, "*.js", () => true)
          .toSorted(byNumber)
          .map((path) =>
            readRevision(version, path, [], (text) => ({
              version: nameOf(path),
              hasDown: /\bdown\b/.test(text),
              isInTransaction: !plan.command?.includes("--non-transactional"),
            })),
          ),
      ),
    applied: async ({ client }) =>
      (await columnOf(client, TABLE, `SELECT name FROM ${TABLE} ORDER BY run_on, name`)).map(nameOf),
    all: ["up", ...where],
    up: ({ version: name }, _, aside) => {
      symlinkSync(join(migrations, `${name}.js`), join(aside, `${name}.js`));
      return ["up", "--count", "1", "--migrations-dir", aside];
    },
    down: ({ version: name }, { applied }) => (applied.at(-1) === name ? ["down", "--count", "1", ...where] : null),
    check: ["check", ...where],
  };
}

/** As in its table, where a slash comes before it. */
function nameOf(path: string): string {
  return path.replace(/^.*\//, "").replace(/\.js$/, "");
}

/** By the number before the first hyphen, as it orders them itself. */
function byNumber(a: string, b: string): number {
  const [x, y] = [nameOf(a), nameOf(b)].map((name) => name.slice(0, name.indexOf("-")));
  const [m, n] = [Number(x), Number(y)];
  return Number.isNaN(m) || Number.isNaN(n) ? (x ?? "").localeCompare(y ?? "") : m - n;
}
