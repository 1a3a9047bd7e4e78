import { FaultError } from "../../../core/fault.ts";
import { onOneLine } from "../../../core/text/plain-text.ts";
import { fillReferences } from "../../../core/text/references.ts";
import { redactOf } from "../postgres/connect.ts";
import type { DatabaseSettings } from "../settings.ts";
import { type Ran, runProgram } from "./program.ts";
import type { RunTool, Tool } from "./tool.ts";

/** A tool, and the database on which it is let loose. */
export interface ToolPlace {
  readonly tool: Tool;
  readonly database: DatabaseSettings;
  /** Under which name the plan has the address in its environment, beside DATABASE_URL; null: none. */
  readonly addressName: string | null;
  /** What programs inherit. */
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly signal: AbortSignal;
}

export interface How {
  /** By which its sessions are known in pg_stat_activity. */
  readonly application: string;
  /** Settings of its sessions, where its driver goes by PGOPTIONS, as most do. */
  readonly options: readonly string[];
}

/** Sessions of tools are known by this, whoever has started them. */
export const APPLICATION = "tidegate runs";

/** Runs it to its end, whatever that is. Faults: migration-tool-missing. */
export async function runTool(
  { tool, database, addressName, env, signal }: ToolPlace,
  words: readonly string[],
  { application, options }: How,
): Promise<Ran> {
  const url = fillReferences(database.url, database.values());
  const own = tool.environment(url);
  return await runProgram({
    words: [...tool.program, ...words],
    folder: tool.folder,
    env: {
      ...env,
      ...own,
      ...(addressName === null ? {} : { [addressName]: own["DATABASE_URL"] }),
      PGAPPNAME: application,
      ...(options.length === 0
        ? {}
        : { PGOPTIONS: [env["PGOPTIONS"] ?? "", ...options.map((each) => `-c ${each}`)].join(" ").trim() }),
      // Nobody answers a question.
      CI: "true",
    },
    redact: redactOf(database),
    signal,
  });
}

/** The same for what only reads: its output, or why there is none. */
export function reading(place: ToolPlace): RunTool {
  return async (words) => {
    const { code, output, said } = await runTool(place, words, { application: `${APPLICATION}: looks`, options: [] });
    place.signal.throwIfAborted();
    if (code === 0) return output;
    throw new FaultError({
      code: "migration-tool-failed",
      what: `\`${[...place.tool.program, ...words].join(" ")}\` failed, so nobody knows what is to be done. Nothing was run.`,
      where: placeIn(said, place.tool.folder) ?? place.tool.folder,
      cause: causeIn(said),
      detail: lastOf(said),
      fix: "run it by hand, and mend what it says",
    });
  };
}

const SHOWN = 12;

export function lastOf(said: readonly string[]): readonly string[] {
  return said.filter((line) => line.trim() !== "").slice(-SHOWN);
}

/** The line of a tool's output that says most. */
export function causeIn(said: readonly string[]): string {
  const lines = said.map((line) => line.trim()).filter((line) => line !== "");
  // Rails says in one line that it stops, and in the next why.
  const canceled = lines.findIndex((line) => line.endsWith("all later migrations canceled:"));
  const best =
    (canceled < 0 ? undefined : lines[canceled + 1]) ??
    lines.findLast((line) => /^(?:[\w.]+\.)?\w*(?:Error|Exception)\b.*:\s*\(psycopg/i.test(line)) ??
    lines.find((line) => /^PG::\w+: /.test(line)) ??
    // Ruby begins with what it died of, and goes on with where.
    lines.find((line) => /^\S+:\d+:in \S+ .+\([\w:]+\)$/.test(line)) ??
    lines.findLast((line) => /^(?:\[ERROR\]\s*)?(?:[\w.:]+(?:Error|Exception)|error)\b.*: /i.test(line)) ??
    lines.findLast((line) => /\b(?:error|fatal|failed)\b/i.test(line)) ??
    lines.at(-1) ??
    "it said nothing";
  return onOneLine(best, 300);
}

/** The last file of the version's own that a tool's output names with a line: `versions/a5_x.py:4`. */
function placeIn(said: readonly string[], folder: string): string | null {
  for (const line of said.toReversed()) {
    const at = line.lastIndexOf(`${folder}/`);
    const found = at < 0 ? null : /^([^":\s]+)(?:", line |:)(\d+)/.exec(line.slice(at + folder.length + 1));
    if (found !== null) return `${found[1]}:${found[2]}`;
  }
  return null;
}

/** The line of a file at which a tool's output says that it broke off; null: it does not say. */
export function lineIn(said: readonly string[], name: string): number | null {
  for (const line of said.toReversed()) {
    const at = line.lastIndexOf(name);
    const found = at < 0 ? null : /^(?:", line |:)(\d+)/.exec(line.slice(at + name.length));
    if (found !== null) return Number(found[1]);
  }
  return null;
}
