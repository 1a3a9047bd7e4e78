/** Variables that every smoke flow has without naming them: the version under test, and a text that no other run had. */
export const SMOKE_BUILT_INS = ["version", "unique"] as const;

const VARIABLE = /\{\{\s*([A-Za-z_][\w-]*)\s*\}\}/g;

/** The names that a text uses as `{{name}}`, each once. */
export function variablesIn(text: string): readonly string[] {
  return [...new Set([...text.matchAll(VARIABLE)].map((match) => match[1] ?? ""))];
}

export type Filled =
  { readonly ok: true; readonly text: string } | { readonly ok: false; readonly missing: readonly string[] };

/** A text with each `{{name}}` replaced by its value; what has none is told, never left in or made empty. */
export function fillVariables(text: string, variables: Readonly<Record<string, string>>): Filled {
  const missing = variablesIn(text).filter((name) => !Object.hasOwn(variables, name));
  if (missing.length > 0) return { ok: false, missing };
  return { ok: true, text: text.replaceAll(VARIABLE, (_, name: string) => variables[name] ?? "") };
}
