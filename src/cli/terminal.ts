import type { ReadStream, WriteStream } from "node:tty";
import { spelled, type Style } from "./render/style.ts";

/** The streams and habits of the terminal or pipe that the program was started in. */
export interface Terminal {
  /** Looked up anew each time: a window can change its size. */
  style(): Style;
  /** May be redrawn in place. */
  readonly isLive: boolean;
  /** Somebody can answer a question. */
  readonly canAsk: boolean;
  readonly output: WriteStream;
  readonly input: ReadStream;
  /** Where somebody is asked: stderr, so that an answer on stdout can go elsewhere. */
  readonly questions: WriteStream;
  /** What was asked for: stdout. */
  print(text: string): void;
  /** What went wrong, and notes that are no answer: stderr. */
  complain(text: string): void;
  /** Sends what would be complained elsewhere, above a picture that is redrawn; answers how to end that. */
  redirect(sink: (text: string) => void): () => void;
}

export interface TerminalOptions {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** `--no-color` was not given. */
  readonly color: boolean;
  /** `--json`: nothing but documents on stdout. */
  readonly json: boolean;
}

const DEFAULT_WIDTH = 100;
const LEAST_WIDTH = 40;
const MOST_WIDTH = 160;

export function openTerminal({ env, color, json }: TerminalOptions): Terminal {
  const { stdout, stderr, stdin } = process;
  const isDumb = env["TERM"] === "dumb";
  const style = (): Style => ({
    width: Math.min(MOST_WIDTH, Math.max(LEAST_WIDTH, stdout.columns || columnsOf(env))),
    colours: color && !isDumb && hasColours(env, stdout.isTTY),
    unicode: isUtf8(env),
  });
  let sink: ((text: string) => void) | null = null;
  return {
    style,
    isLive: stdout.isTTY && !isDumb && !json && !isSet(env["CI"]),
    canAsk: stdin.isTTY && stderr.isTTY && !isSet(env["CI"]) && !json,
    output: stdout,
    input: stdin,
    questions: stderr,
    print: (text) => void stdout.write(`${json ? text : spelled(style(), text)}\n`),
    complain: (text) =>
      sink === null ? void stderr.write(`${spelled(style(), text)}\n`) : sink(spelled(style(), text)),
    redirect: (to) => {
      sink = to;
      return () => {
        sink = null;
      };
    },
  };
}

function columnsOf(env: TerminalOptions["env"]): number {
  const columns = Number(env["COLUMNS"]);
  return Number.isInteger(columns) && columns > 0 ? columns : DEFAULT_WIDTH;
}

/** Sources: no-color.org, force-color.org. */
function hasColours(env: TerminalOptions["env"], isTty: boolean): boolean {
  if (isSet(env["NO_COLOR"])) return false;
  if (isSet(env["FORCE_COLOR"])) return env["FORCE_COLOR"] !== "0";
  return isTty;
}

/** Whether the locale can show more than ASCII. The first of these variables that is set decides. Source: locale(7). */
function isUtf8(env: TerminalOptions["env"]): boolean {
  if (process.platform === "win32" || process.platform === "darwin") return true;
  const locale = [env["LC_ALL"], env["LC_CTYPE"], env["LANG"]].find(isSet);
  return locale !== undefined && /utf-?8/i.test(locale);
}

function isSet(value: string | undefined): value is string {
  return value !== undefined && value !== "";
}
