import type { CommandTool } from "../../../core/plan/database.ts";
import { fillReferences } from "../../../core/text/references.ts";
import { byName, filesOf, inARow, readRevision, type Version } from "./read-revision.ts";
import type { Revision, Tool } from "./tool.ts";

/** Any tool, by the programs that the plan names. */
export function command(plan: CommandTool, version: Version): Tool {
  const { directory } = version;
  const { applied, sql, down } = plan;
  const filled = (words: readonly string[], { version: name, file }: Revision): readonly string[] => {
    const values = { revision: name, version: /^\d+(?:\.\d+)*/.exec(name)?.[0] ?? name, file };
    return words.map((word) => fillReferences(word, values));
  };
  return {
    name: plan.up[0] ?? "the command",
    folder: directory,
    program: [],
    order: "strict",
    // What it writes there is no change of anybody's rows.
    tables: "sql" in applied ? tablesIn(applied.sql) : [],
    needsAllFiles: false,
    environment: (url) => ({ DATABASE_URL: url }),
    ways: { make: "a new file", mark: "the tool's own way to say that a revision is applied" },
    revisions: async () => {
      const [before = "", after = ""] = plan.files.split("*");
      const files = filesOf(directory, plan.files, () => true);
      return inARow(
        files.map((path) =>
          readRevision(version, path, [], () => ({
            version: path.slice(`${directory}/${before}`.length, path.length - after.length),
            hasDown: down !== undefined,
            // Nobody has said so.
            isInTransaction: false,
          })),
        ),
      );
    },
    applied: async ({ client, run }) => {
      const names = "sql" in applied ? await firstColumn(client, applied.sql) : linesOf(await run(applied.program));
      return [...new Set(names)].toSorted(byName);
    },
    up: (revision) => filled(plan.up, revision),
    down: (revision) => (down === undefined ? null : filled(down, revision)),
    ...(sql === undefined ? {} : { sql: (revision, way) => (way === "up" ? filled(sql, revision) : null) }),
    check: plan.check ?? ("program" in applied ? applied.program : null),
  };
}

function tablesIn(sql: string): readonly string[] {
  return [...sql.matchAll(/\b(?:from|join)\s+"?([a-z_][\w$]*)"?(?![\w.])/gi)].map(([, name = ""]) => name);
}

async function firstColumn(client: Parameters<Tool["applied"]>[0]["client"], sql: string): Promise<readonly string[]> {
  try {
    const { rows } = await client.query<unknown[]>({ text: sql, rowMode: "array" });
    return rows.map(([first]) => String(first));
  } catch (error) {
    // The tool makes its table with its first revision.
    if ((error as { readonly code?: string }).code === "42P01") return [];
    throw error;
  }
}

function linesOf(output: string): readonly string[] {
  return output
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "");
}
