import { registerHooks } from "node:module";
import { pathToFileURL } from "node:url";

export type Imported =
  | { readonly ok: true; readonly value: unknown }
  | { readonly ok: false; readonly what: string; readonly fix: string; readonly cause?: string };

/**
 * The default export of a TypeScript config, run by Node's own type stripping. `import … from "tidegate"` finds this
 * Tidegate also where it is not installed beside the config.
 */
export async function importConfig(file: string, changedAt: number): Promise<Imported> {
  const ours = new URL(import.meta.url.endsWith(".ts") ? "../define.ts" : "../define.js", import.meta.url).href;
  const hooks = registerHooks({
    resolve: (specifier, context, next) =>
      specifier === "tidegate" ? { url: ours, shortCircuit: true } : next(specifier, context),
  });
  try {
    // A module is kept by its address: another time of change makes it be read again.
    const address = `${pathToFileURL(file).href}?changed=${changedAt}`;
    const module = (await import(address)) as Readonly<Record<string, unknown>>;
    const value = module["default"];
    if (typeof value === "object" && value !== null && !Array.isArray(value)) return { ok: true, value };
    return {
      ok: false,
      what: value === undefined ? "The file has no default export." : "The default export is not a plan.",
      fix: 'Write `export default defineConfig({ app: "shop", … })`, with `import { defineConfig } from "tidegate"`.',
    };
  } catch (error) {
    return {
      ok: false,
      what: "The file can't be run.",
      cause: causeOf(error),
      fix: "It is TypeScript with erasable types only, run by Node itself: no enums, and imports with their file ending.",
    };
  } finally {
    hooks.deregister();
  }
}

/** One line, without the stack: `SyntaxError: Unexpected token '}'`. */
function causeOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const place = /^(?:file:\/\/)?(\/[^\n?]+?)(?:\?[^\n:]*)?:(\d+)\n/.exec(error.stack ?? "");
  const [first = ""] = error.message.split("\n");
  return `${error.name}: ${first}${place === null ? "" : ` (line ${place[2]})`}`;
}
