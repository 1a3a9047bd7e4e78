import { spawn } from "node:child_process";
import type { CommandFrom, Reading, Subject } from "../../core/plan/source.ts";
import { onOneLine } from "../../core/text/plain-text.ts";
import { formatDuration, SECOND } from "../../core/time/time.ts";
import { stopFamily } from "../../local/process-family.ts";
import { identify } from "../../local/process-identity.ts";
import { numberOf, selected } from "./selected.ts";
import { type Asking, filled } from "./settings.ts";

/** What a program may print; one figure is shorter. */
const MOST_BYTES = 256 * 1024;
/** From SIGTERM to SIGKILL, where it does not end in time. */
const GRACE_MS = SECOND;

/** Runs a program and takes the number that it prints. */
export async function askCommand(from: CommandFrom, subject: Subject, asking: Asking): Promise<Reading> {
  const { redact } = asking.settings;
  const [program, ...words] = argumentsOf(from, subject, asking);
  const ended = await run(program, words, subject, asking);
  switch (ended.kind) {
    case "not-started":
      return { kind: "down", why: `it can't be started: ${redact(ended.cause)}` };
    case "over-time":
      return { kind: "down", why: `it did not end within ${formatDuration(asking.timeoutMs)}` };
    case "too-long":
      return { kind: "down", why: "it prints more than 256 KB, which can't be one figure" };
    case "ended":
  }
  const { code, output, complaint } = ended;
  if (code !== 0) {
    const said = onOneLine(redact(lastLine(complaint) ?? lastLine(output) ?? ""), 160);
    return { kind: "down", why: `it ended with ${code}${said === "" ? "" : `: ${said}`}` };
  }
  const last = lastLine(output);
  if (last === undefined) return { kind: "no-data", why: "it prints nothing" };
  if (from.select === undefined) return numberOf(last.trim(), "it prints", redact);
  try {
    return await selected(JSON.parse(output), from.select, redact);
  } catch {
    return { kind: "down", why: `it prints \`${onOneLine(redact(output), 60)}\` where JSON is needed` };
  }
}

function argumentsOf({ command }: CommandFrom, subject: Subject, { settings }: Asking): readonly [string, ...string[]] {
  if (typeof command === "string") {
    // `${UPPER}` is left to the shell, which has it in its environment: filled in it would stand in the process list.
    return ["/bin/sh", "-c", filled(command, subject, { values: () => ({}) }, inShell)];
  }
  const [program = "", ...words] = command.map((word) => filled(word, subject, settings));
  return [program, ...words];
}

/** A version with a name that the shell would read otherwise is quoted. */
function inShell(value: string): string {
  return /^[\w./@:+-]*$/.test(value) ? value : `'${value.replaceAll("'", String.raw`'\''`)}'`;
}

type Ended =
  | { readonly kind: "ended"; readonly code: number | string; readonly output: string; readonly complaint: string }
  | { readonly kind: "over-time" | "too-long" }
  | { readonly kind: "not-started"; readonly cause: string };

function run(
  program: string,
  words: readonly string[],
  subject: Subject,
  { settings, timeoutMs, signal }: Asking,
): Promise<Ended> {
  // Who was not interested any more before it began is told nothing more.
  if (signal.aborted) return Promise.resolve({ kind: "over-time" });
  return new Promise((resolve) => {
    const child = spawn(program, words, {
      cwd: settings.directory,
      env: {
        ...settings.env,
        TIDEGATE_APP: subject.app,
        TIDEGATE_ENVIRONMENT: subject.environment,
        TIDEGATE_VERSION: subject.version,
        TIDEGATE_SLOT: subject.slot,
        DEPLOYMENT_ENV: subject.environment,
      },
      stdio: ["ignore", "pipe", "pipe"],
      // A session of its own, so that what it starts ends with it.
      detached: true,
    });
    const leader = child.pid === undefined ? null : identify(child.pid);
    const written = { output: "", complaint: "" };
    const settle = (ended: Ended): void => {
      clearTimeout(timer);
      signal.removeEventListener("abort", abort);
      child.stdout.destroy();
      child.stderr.destroy();
      resolve(ended);
    };
    const stop = async (kind: "over-time" | "too-long"): Promise<void> => {
      child.removeAllListeners("close");
      // Not left behind: in a quarter of a minute the next one is started.
      if (leader !== null) await stopFamily(leader, GRACE_MS).catch(() => false);
      settle({ kind });
    };
    const abort = (): void => void stop("over-time");
    const timer = setTimeout(abort, timeoutMs);
    signal.addEventListener("abort", abort, { once: true });
    for (const [stream, name] of [
      [child.stdout, "output"],
      [child.stderr, "complaint"],
    ] as const) {
      stream.setEncoding("utf8");
      stream.on("data", (text: string) => {
        written[name] += text;
        if (written[name].length <= MOST_BYTES) return;
        if (name === "output") void stop("too-long");
        else written.complaint = written.complaint.slice(-MOST_BYTES / 2);
      });
    }
    child.once("error", (error) => settle({ kind: "not-started", cause: error.message }));
    child.once("close", (code, by) => settle({ kind: "ended", code: code ?? by ?? "nothing", ...written }));
  });
}

function lastLine(text: string): string | undefined {
  return text
    .split("\n")
    .filter((line) => line.trim() !== "")
    .at(-1);
}
