import { isAbsolute, join } from "node:path";
import { FaultError } from "../../../core/fault.ts";
import type { KnownTool } from "../../../core/plan/database.ts";
import { columnOf } from "./own-table.ts";
import { isProgram } from "./program.ts";
import { readRevision, type Version } from "./read-revision.ts";
import type { Ordered, Revision, Tool } from "./tool.ts";

const TABLE = "alembic_version";

/** alembic of Python: revisions are a graph, and its table holds where in it the database is. */
export function alembic(plan: KnownTool, version: Version): Tool {
  const folder = join(version.directory, plan.folder);
  const own = ["venv/bin/alembic", ".venv/bin/alembic"].find((path) => isProgram(join(folder, path)));
  return {
    name: "alembic",
    folder,
    program: plan.command ?? [own ?? "alembic"],
    order: "strict",
    tables: [TABLE],
    needsAllFiles: true,
    // SQLAlchemy knows no postgres://, and others know nothing else.
    environment: (url) => ({ DATABASE_URL: url.replace(/^postgres:/i, "postgresql:"), PYTHONUNBUFFERED: "1" }),
    ways: { make: "alembic revision -m NAME", mark: "alembic stamp REVISION" },
    revisions: async (run) => revisionsIn(await run(["history", "--verbose"]), version, folder),
    applied: async ({ client }, revisions) =>
      withAncestors(await columnOf(client, TABLE, `SELECT version_num FROM ${TABLE}`), revisions),
    all: ["upgrade", "head"],
    up: ({ version: to }) => ["upgrade", to],
    down: (revision, order) => (canGoBack(revision, order) ? ["downgrade", revision.parents[0] ?? "base"] : null),
    sql: (revision, way, order) => {
      const [parent, ...others] = revision.parents;
      if (others.length > 0 || (way === "down" && !canGoBack(revision, order))) return null;
      const [from, to] = way === "up" ? [parent, revision.version] : [revision.version, parent ?? "base"];
      if (way === "up") return ["upgrade", from === undefined ? to : `${from}:${to}`, "--sql"];
      return ["downgrade", `${from ?? ""}:${to}`, "--sql"];
    },
    check: ["current"],
  };
}

/** What `alembic history --verbose` says, the oldest first. Faults: migration-heads. */
function revisionsIn(said: string, version: Version, folder: string): readonly Revision[] {
  const all: Revision[] = [];
  const heads: string[] = [];
  for (const part of said.split(/^(?=Rev: )/m)) {
    const id = /^Rev: (\S+)(.*)$/m.exec(part);
    const path = /^Path: (.+)$/m.exec(part)?.[1];
    if (id === null || path === undefined) continue;
    const [, name = "", marks = ""] = id;
    const parents = /^(?:Parent|Merges): (.+)$/m.exec(part)?.[1] ?? "<base>";
    const own = parents === "<base>" ? [] : parents.split(",").map((each) => each.trim());
    const revision = readRevision(version, isAbsolute(path) ? path : join(folder, path), own, (text) => ({
      version: name,
      hasDown: hasDowngrade(text),
      isInTransaction: !/\bautocommit_block\b/.test(text),
    }));
    if (/\(head\)|\bhead\b/.test(marks)) heads.push(`${name} (${revision.file})`);
    all.push(revision);
  }
  if (heads.length > 1)
    throw new FaultError({
      code: "migration-heads",
      what: `alembic has ${heads.length} heads, so nobody knows which revision is the last. Nothing was run.`,
      detail: heads,
      fix: "join them: alembic merge heads -m NAME; or give one the other as its down_revision",
    });
  return all.toReversed();
}

/** Its body is more than `pass` and more than an error that it raises. */
function hasDowngrade(text: string): boolean {
  const body = /^def downgrade\b[^\n]*\n((?:[ \t]+[^\n]*\n?|[ \t]*\n)*)/m.exec(text)?.[1] ?? "";
  const lines = body
    .replaceAll(/("""|''')[\s\S]*?\1/g, "")
    .split("\n")
    .map((line) => line.replace(/#.*$/, "").trim())
    .filter((line) => line !== "");
  return lines.length > 0 && !lines.every((line) => line === "pass") && !/^raise\b/.test(lines[0] ?? "");
}

/** The table names the last ones alone. One whose file is not here stays as it is. */
function withAncestors(heads: readonly string[], revisions: readonly Revision[]): readonly string[] {
  const parents = new Map(revisions.map(({ version, parents: own }) => [version, own]));
  const reached = new Set<string>();
  const reach = (version: string): void => {
    if (reached.has(version)) return;
    reached.add(version);
    for (const parent of parents.get(version) ?? []) reach(parent);
  };
  for (const head of heads) reach(head);
  const inOrder = revisions.map(({ version }) => version).filter((version) => reached.has(version));
  return [...inOrder, ...[...reached].filter((version) => !parents.has(version))];
}

/** Where branches meet, or go on from it, one step back is more than one revision. */
function canGoBack({ version, parents }: Revision, { revisions, applied }: Ordered): boolean {
  if (parents.length > 1) return false;
  const [parent] = parents;
  const branches = revisions.filter((each) => parent !== undefined && each.parents.includes(parent));
  return branches.every((each) => each.version === version || !applied.includes(each.version));
}
