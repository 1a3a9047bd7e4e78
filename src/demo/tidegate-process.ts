import { type ChildProcess, spawn } from "node:child_process";
import { createInterface } from "node:readline";
import type { Stage } from "./stage.ts";

/** One line that Tidegate wrote with `--json`. */
export type Document = Readonly<Record<string, unknown>>;

/** A Tidegate that runs as a process of its own, as a user would start it. */
export interface TidegateProcess {
  readonly ended: Promise<TidegateEnd>;
  kill(signal: NodeJS.Signals): void;
}

export interface TidegateEnd {
  readonly code: number | null;
  readonly signal: string | null;
  readonly last: Document | null;
  /** The last that it wrote to stderr. */
  readonly complaint: string;
}

export interface Tidegate {
  /** `words` as on the command line, `--json` apart. */
  run(words: readonly string[], onDocument?: (document: Document) => void): TidegateProcess;
  /** kill -9 to each that still runs; resolves when they are gone. What they started lives on. */
  killAll(): Promise<void>;
}

const COMPLAINT_LENGTH = 4_000;

/** `self`: how Tidegate is started, program and arguments. */
export function tidegateOn(stage: Stage, self: readonly string[]): Tidegate {
  const [program = process.execPath, ...args] = self;
  const running = new Set<TidegateProcess>();
  return {
    run(words, onDocument = () => undefined) {
      const child = spawn(program, [...args, ...words, "--json"], {
        cwd: stage.shop,
        env: stage.env,
        stdio: ["ignore", "pipe", "pipe"],
        // A Ctrl-C in the terminal is for the demo alone: it ends the others in the right order.
        detached: true,
      });
      const each: TidegateProcess = { ended: endOf(child, onDocument), kill: (signal) => void child.kill(signal) };
      running.add(each);
      void each.ended.finally(() => running.delete(each));
      return each;
    },
    async killAll() {
      for (const each of running) each.kill("SIGKILL");
      await Promise.all([...running].map(({ ended }) => ended));
    },
  };
}

function endOf(child: ChildProcess, onDocument: (document: Document) => void): Promise<TidegateEnd> {
  let last: Document | null = null;
  let complaint = "";
  child.stderr?.on("data", (data: Buffer) => {
    complaint = `${complaint}${data.toString("utf8")}`.slice(-COMPLAINT_LENGTH);
  });
  if (child.stdout !== null)
    createInterface({ input: child.stdout }).on("line", (line) => {
      const document = parse(line);
      if (document === null) return;
      last = document;
      onDocument(document);
    });
  return new Promise((resolve) => {
    child.once("error", (error) => resolve({ code: null, signal: null, last: null, complaint: error.message }));
    child.once("close", (code, signal) => resolve({ code, signal, last, complaint: complaint.trim() }));
  });
}

/** null for a line that was cut when its writer was killed. */
function parse(line: string): Document | null {
  try {
    const value = JSON.parse(line) as unknown;
    return typeof value === "object" && value !== null ? (value as Document) : null;
  } catch {
    return null;
  }
}
