import { FaultError } from "../../../core/fault.ts";
import { fillReferences } from "../../../core/text/references.ts";
import { redactOf } from "../postgres/connect.ts";
import type { DatabaseSettings } from "../settings.ts";
import { type Ran, runProgram } from "./program.ts";
import type { RunTool, Tool } from "./tool.ts";
import { causeIn, lastOf, placeIn } from "./tool-output.ts";

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
