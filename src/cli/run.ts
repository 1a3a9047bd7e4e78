import { type Fault, FaultError } from "../core/fault.ts";
import { answer, createContext, type Context, faultText, type GlobalOptions } from "./context.ts";
import { writeCrashLog } from "./crash-log.ts";
import { type ExitCode, exitCodeOfFault, FAILED, USAGE } from "./exit-code.ts";
import type { Machinery } from "./machinery.ts";
import { NOT_BUILT } from "./registry.ts";

/** The command line: words in, exit code out. Never throws; what went wrong is told on stderr, or as a document. */
export async function runCli(words: readonly string[], machinery: Machinery): Promise<ExitCode> {
  let context = createContext(machinery, roughGlobals(words));
  try {
    const { commandWord, GLOBAL_OPTIONS } = await import("./words.ts");
    const at = commandWord(words);
    const word = words[at];
    if (word === undefined) return await withoutCommand(words, context);
    refuseNotBuilt(words.slice(at));
    const [{ parse, findCommand }, { commandHelp, commandDocument }] = await Promise.all([
      import("./invocation.ts"),
      import("./help.ts"),
    ]);
    const rest = [...words.slice(0, at), ...words.slice(at + 1)];
    if (word === "help") return await runCli([...rest, "--help"], machinery);
    const entry = findCommand(word);
    const definition = await entry.load();
    const parsed = parse(entry.name, definition, rest);
    if (parsed.wantsHelp) {
      const document = commandDocument(entry, definition, GLOBAL_OPTIONS);
      return answer(context, document, commandHelp(entry, definition, GLOBAL_OPTIONS, context.terminal.style()));
    }
    context = createContext(machinery, parsed.global);
    return await definition.run({ arguments: parsed.arguments, options: parsed.options, context });
  } catch (error) {
    return tell(context, error);
  }
}

/** Enough to tell a mistake in the words themselves the way that the user wants to be told. */
function roughGlobals(words: readonly string[]): GlobalOptions {
  return { json: words.includes("--json"), color: !words.includes("--no-color") };
}

async function withoutCommand(words: readonly string[], context: Context): Promise<ExitCode> {
  const { terminal, machinery } = context;
  if (words.includes("--version") || words.includes("-V")) {
    return answer(context, { version: machinery.version }, [machinery.version]);
  }
  const [{ programHelp, programDocument }, { GLOBAL_OPTIONS }] = await Promise.all([
    import("./help.ts"),
    import("./words.ts"),
  ]);
  const stray = words.find((word) => word.startsWith("-") && word !== "--help" && word !== "-h" && !isGlobal(word));
  if (stray !== undefined)
    throw new FaultError({ code: "usage", what: `There is no option "${stray}".`, fix: "tidegate --help" });
  return answer(
    context,
    programDocument(GLOBAL_OPTIONS, machinery.version),
    programHelp(GLOBAL_OPTIONS, machinery.version, terminal.style()),
  );
}

function isGlobal(word: string): boolean {
  return ["--file", "--env", "--state", "--json", "--no-color"].includes(word.split("=")[0] ?? "");
}

function refuseNotBuilt(words: readonly string[]): void {
  const [word = ""] = words;
  const later = NOT_BUILT.find((name) => name === word);
  if (later === undefined) return;
  throw new FaultError({
    code: "not-built",
    what: `"tidegate ${later}" is not built yet in this version of Tidegate.`,
    fix: "tidegate --help lists what is there",
  });
}

function tell(context: Context, error: unknown): ExitCode {
  const faults = faultsOf(error);
  if (faults === null) return tellMistake(context, error);
  const { json, terminal } = context;
  if (json) terminal.print(JSON.stringify(faults.length > 1 ? { fault: faults[0], faults } : { fault: faults[0] }));
  else terminal.complain(faults.map((fault) => faultText(context, fault)).join("\n\n"));
  return error instanceof FaultError ? exitCodeOfFault(error.fault) : USAGE;
}

/** A FaultError's fault, or all that a plan file's error holds; null for what nobody expected. */
function faultsOf(error: unknown): readonly Fault[] | null {
  if (error instanceof FaultError) return [error.fault];
  if (error instanceof Error && error.name === "PlanFileError" && "faults" in error)
    return error.faults as readonly Fault[];
  return null;
}

/** A mistake of Tidegate's own: one sentence for the user, the rest in a file for whoever mends it. */
export function tellMistake(context: Context, error: unknown): ExitCode {
  const path = writeCrashLog(context, error);
  const fault: Fault = {
    code: "internal",
    what: "Tidegate made a mistake that is its own, and stopped.",
    cause: error instanceof Error ? error.message : String(error),
    ...(path === null ? {} : { fix: `the details are in ${path}; what runs goes on running: tidegate status` }),
  };
  if (context.json) context.terminal.print(JSON.stringify({ fault }));
  else context.terminal.complain(faultText(context, fault));
  return FAILED;
}
