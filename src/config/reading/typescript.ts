import { registerHooks } from "node:module";
import { basename } from "node:path";
import { pathToFileURL } from "node:url";
import { defineConfig } from "../define.ts";

export type Imported =
  | { readonly ok: true; readonly value: unknown }
  | {
      readonly ok: false;
      readonly what: string;
      readonly fix: string;
      readonly cause?: string;
      /** From 1. */
      readonly line?: number;
    };

/** What a config imports of Tidegate: the same text wherever this program lies, also inside one executable file. */
const OURS = `data:text/javascript,${encodeURIComponent(`export ${defineConfig.toString()}`)}`;

/**
 * The default export of a TypeScript config, run by Node's own type stripping. `import … from "tidegate"` finds this
 * Tidegate also where it is not installed beside the config.
 */
export async function importConfig(file: string, changedAt: number): Promise<Imported> {
  // A module is kept by its address: another time of change makes it be read again.
  const address = `${pathToFileURL(file).href}?changed=${changedAt}`;
  const hooks = registerHooks({
    resolve(specifier, context, next) {
      if (specifier === "tidegate") return { url: OURS, format: "module", shortCircuit: true };
      const found = next(specifier, context);
      // The app's package.json may say that its own files are CommonJS; that says nothing of a plan file.
      return specifier === address ? { ...found, format: "module-typescript" } : found;
    },
  });
  try {
    const module = (await import(address)) as Readonly<Record<string, unknown>>;
    const value = module["default"];
    if (typeof value === "object" && value !== null && !Array.isArray(value)) return { ok: true, value };
    return {
      ok: false,
      what: value === undefined ? "The file has no default export." : "The default export is not a plan.",
      fix: 'Write `export default defineConfig({ app: "shop", … })`, with `import { defineConfig } from "tidegate"`.',
    };
  } catch (error) {
    const line = lineOf(error, file);
    return {
      ...(line === undefined ? {} : { line }),
      ok: false,
      what: "The file can't be run.",
      cause: causeOf(error),
      fix: "It is TypeScript with erasable types only, run by Node itself: no enums, and imports with their file ending.",
    };
  } finally {
    hooks.deregister();
  }
}

/** One line, without the stack: `ReferenceError: nothing is not defined`. */
function causeOf(error: unknown): string {
  return error instanceof Error ? `${error.name}: ${error.message.split("\n")[0] ?? ""}` : String(error);
}

/** The line of the config at which it went wrong, where the stack says one. */
function lineOf(error: unknown, file: string): number | undefined {
  const stack = error instanceof Error ? (error.stack ?? "") : "";
  const at = stack.indexOf(basename(file));
  const line = at < 0 ? null : /^[^\s:]*:(\d+)/.exec(stack.slice(at));
  return line === null ? undefined : Number(line[1]);
}
