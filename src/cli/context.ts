import { userInfo } from "node:os";
import type { Fault } from "../core/fault.ts";
import type { ExitCode } from "./exit-code.ts";
import type { Machinery } from "./machinery.ts";
import { findProject, type Project } from "./project.ts";
import { faultLines } from "./render/fault-lines.ts";
import { openTerminal, type Terminal } from "./terminal.ts";

/** What every command works with. */
export interface Context {
  readonly terminal: Terminal;
  readonly machinery: Machinery;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  /** Documents instead of sentences. */
  readonly json: boolean;
  /** Who asks: `TIDEGATE_USER`, or the user of the operating system. */
  readonly person: string;
  readonly global: GlobalOptions;
  /** Faults: plan-file-missing (of a file that was named and is not there), usage. */
  readonly project: () => Project;
}

export interface GlobalOptions {
  readonly file?: string;
  readonly env?: string;
  readonly state?: string;
  readonly json: boolean;
  readonly color: boolean;
}

export function createContext(machinery: Machinery, global: GlobalOptions): Context {
  const { env } = process;
  const cwd = process.cwd();
  return {
    terminal: openTerminal({ env, color: global.color, json: global.json }),
    machinery,
    env,
    cwd,
    json: global.json,
    person: personOf(env),
    global,
    project: () => findProject({ cwd, env, file: global.file, environment: global.env, state: global.state }),
  };
}

/** Prints the one answer of a command: a document with `--json`, else lines. */
export function answer(
  { json, terminal }: Context,
  document: Readonly<Record<string, unknown>>,
  lines: readonly string[],
  code: ExitCode = 0,
): ExitCode {
  terminal.print(json ? JSON.stringify(document) : lines.join("\n"));
  return code;
}

/** As a person reads it; for a file or a program each of its rows stays one line. */
export function faultText({ terminal }: Context, fault: Fault): string {
  const width = terminal.questions.isTTY ? terminal.style().width : Number.POSITIVE_INFINITY;
  return faultLines(fault, width).join("\n");
}

function personOf(env: Context["env"]): string {
  const named = env["TIDEGATE_USER"]?.trim();
  if (named !== undefined && named !== "") return named;
  try {
    return userInfo().username;
  } catch {
    // A container may run as a number that no file gives a name to.
    return `uid ${process.getuid?.() ?? "unknown"}`;
  }
}
