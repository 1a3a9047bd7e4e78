/** One line of a stack trace: where in which code. */
export interface StackFrame {
  /** As the runtime wrote it, `file://` taken off. */
  readonly file: string;
  readonly line: number;
  readonly function?: string;
  /** The app's own code: neither a dependency's nor the runtime's. */
  readonly own: boolean;
  /** Python writes the innermost call last. */
  readonly innermostLast: boolean;
}

/** A line of a trace of Node.js, Java, .NET, Python, Ruby, Go or PHP; null: it is none. */
export function parseFrame(line: string): StackFrame | null {
  const text = line.trim().slice(0, 500);
  if (text.startsWith("at ")) return atFrame(text.slice(3).replace(/^async /, ""));
  const python = PYTHON.exec(text);
  if (python !== null) return frame(python[1], python[2], python[3], true);
  const called = RUBY.exec(text) ?? PHP.exec(text) ?? GO.exec(text);
  return called === null ? null : frame(called[1], called[2], called[3]);
}

/** The frame in the app's own code that is nearest to where it broke; undefined: none is. */
export function nearestOwnFrame(frames: readonly StackFrame[]): StackFrame | undefined {
  return frames.some(({ innermostLast }) => innermostLast)
    ? frames.findLast(({ own }) => own)
    : frames.find(({ own }) => own);
}

/**
 * The frame for people, `src/cart.js:88`: relative to the version's folder where the path shows it (by any of its
 * `names`: the version, its short form), else the path's last three parts.
 */
export function showFrame({ file, line }: StackFrame, names: readonly string[]): string {
  const parts = file.split(/[\\/]/).filter((part) => part !== "");
  const root = parts.findLastIndex((part) => names.some((name) => name !== "" && part.startsWith(name)));
  const shown = root === -1 ? parts.slice(-3) : parts.slice(root + 1);
  return `${shown.join("/")}:${line}`;
}

const PYTHON = /^File "([^"]+)", line (\d+)(?:, in (.+))?$/;
const RUBY = /^(?:from )?([^\s:]+\.(?:rb|rake|ru|erb)):(\d+):in [`']([^']*)'/;
const PHP = /^#\d+ ([^(]+\.php)\((\d+)\)(?:: (.*))?$/;
const GO = /^(\/[^\s:]+\.go):(\d+)(?: \+0x[0-9a-f]+)?$/;

/** What follows "at ": Node's `fn (file:line:column)` and `file:line:column`, Java's `fn(File.java:line)`, .NET's `fn in file:line n`. */
function atFrame(text: string): StackFrame | null {
  const dotnet = /^([^\s(]+)\(.*\) in (.+):line (\d+)$/.exec(text);
  if (dotnet !== null) return frame(dotnet[2], dotnet[3], dotnet[1]);
  const bracket = text.endsWith(")") ? text.indexOf("(") : -1;
  const place = bracket === -1 ? text : text.slice(bracket + 1, -1);
  const name = bracket === -1 ? undefined : text.slice(0, bracket).trim();
  const java = /^([\w$]+\.(?:java|kt|scala|groovy|clj)):(\d+)$/.exec(place);
  if (java !== null && name !== undefined) {
    const made = frame(java[1], java[2], name);
    return made === null ? null : { ...made, own: !JAVA_LIBRARY.test(name) };
  }
  const node = /^(.+):(\d+):(\d+)$/.exec(place);
  return node === null ? null : frame(node[1], node[2], name);
}

function frame(
  file: string | undefined,
  line: string | undefined,
  name: string | undefined,
  innermostLast = false,
): StackFrame | null {
  if (file === undefined || line === undefined) return null;
  const path = file.replace(/^file:\/\//, "");
  const own = !LIBRARY.test(path);
  return {
    file: path,
    line: Number(line),
    own,
    innermostLast,
    ...(name === undefined || name === "" ? {} : { function: name }),
  };
}

const LIBRARY =
  /^(?:node:|internal\/|<|evalmachine)|(?:^|\/)(?:node_modules|site-packages|dist-packages|gems|vendor|\.cargo|\.yarn|pkg\/mod)\/|\/lib\/(?:python|ruby)|^\/usr\/(?:lib|local\/(?:lib|go))\//;
const JAVA_LIBRARY =
  /^(?:[\w.]+\/)?(?:java|javax|jdk|sun|com\.sun|jakarta|kotlin|kotlinx|scala|clojure|reactor|io\.netty|org\.(?:springframework|apache|hibernate|eclipse|junit))\./;
