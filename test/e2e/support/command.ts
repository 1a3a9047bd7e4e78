import { type ChildProcess, spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { until } from "../../support/until.ts";

export const MAIN = fileURLToPath(new URL("../../../src/main.ts", import.meta.url));

export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A document that `--json` prints; an event of a release has a type. */
export type Document = { readonly type?: string } & Readonly<Record<string, unknown>>;

/** `tidegate …` as its own process, with everything that it has said so far. */
export interface Command {
  readonly pid: number;
  stdout(): string;
  stderr(): string;
  /** The lines of `--json` that are complete. */
  documents(): readonly Document[];
  /** Waits until a document fits; fails when the command ends without one. */
  says(what: string, fits: (document: Document) => boolean, boundMs?: number): Promise<Document>;
  /** Waits until stdout or stderr holds the text. */
  tells(text: RegExp, boundMs?: number): Promise<void>;
  kill(signal: NodeJS.Signals): void;
  isRunning(): boolean;
  readonly ended: Promise<Ended>;
}

export interface CommandOptions {
  readonly cwd: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Flags of Node, before the program. */
  readonly node?: readonly string[];
  /** By default Tidegate's sources, run by this Node. */
  readonly program?: string;
}

export function startCommand(args: readonly string[], { cwd, env, node = [], program }: CommandOptions): Command {
  const own = program === undefined ? [...node, MAIN] : [];
  const child: ChildProcess = spawn(program ?? process.execPath, [...own, ...args], {
    cwd,
    env,
    stdio: ["ignore", "pipe", "pipe"],
  });
  let stdout = "";
  let stderr = "";
  child.stdout?.setEncoding("utf8").on("data", (text: string) => void (stdout += text));
  child.stderr?.setEncoding("utf8").on("data", (text: string) => void (stderr += text));
  let end: Ended | null = null;
  const ended = new Promise<Ended>((resolve) => {
    child.once("close", (code, signal) => {
      end = { code, signal, stdout, stderr };
      resolve(end);
    });
  });
  const documents = (): readonly Document[] =>
    stdout
      .slice(0, stdout.lastIndexOf("\n") + 1)
      .split("\n")
      .filter((line) => line.startsWith("{"))
      .map((line) => JSON.parse(line) as Document);
  const wait = <T extends object>(what: string, look: () => T | undefined, boundMs: number) =>
    until(
      what,
      () => {
        const found = look();
        if (found === undefined && end !== null)
          throw new Error(`It ended (${end.code ?? end.signal}) before ${what}:\n${stdout}${stderr}`);
        return found;
      },
      boundMs,
    ).catch((error: unknown) => {
      throw new Error(`${String(error)}\n${stdout}${stderr}`, { cause: error });
    });
  return {
    pid: child.pid ?? -1,
    stdout: () => stdout,
    stderr: () => stderr,
    documents,
    says: (what, fits, boundMs = 40_000) => wait(what, () => documents().find(fits), boundMs),
    tells: async (text, boundMs = 40_000) => {
      await wait(`it says ${String(text)}`, () => text.exec(stdout) ?? text.exec(stderr) ?? undefined, boundMs);
    },
    kill: (signal) => void child.kill(signal),
    isRunning: () => end === null,
    ended,
  };
}
