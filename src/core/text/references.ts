/**
 * `${name}` in texts of the plan. Lower case is Tidegate's (`${port}`), upper case the user's (`${DATABASE_URL}`): kept
 * as it stands in the plan, so that no secret value gets into a plan or journal, and filled in where it is used.
 * `$${NAME}` is the text `${NAME}`. Everything else (`$HOME`, `${HOME:-x}`) is left to the shell.
 */
export interface Reference {
  readonly name: string;
  readonly owner: "tidegate" | "user";
}

/** What Tidegate itself fills in. */
export const TIDEGATE_NAMES = ["port", "version", "dir", "slot"] as const;

/** What it fills in where a source of figures is asked. */
export const SOURCE_NAMES = ["version", "slot", "service", "app", "environment"] as const;

const REFERENCE = /\$(\$?)\{([A-Za-z_][A-Za-z0-9_]*)\}/g;

/** The references of a text, each once, in order. */
export function referencesIn(text: string): readonly Reference[] {
  const names = [...text.matchAll(REFERENCE)].flatMap(([, escape, name = ""]) => (escape === "$" ? [] : [name]));
  return [...new Set(names)].map((name) => ({ name, owner: isUsers(name) ? "user" : "tidegate" }));
}

/** The `${UPPER}` names in any strings of a plain value, sorted; the values of which are to be treated as secrets. */
export function userNamesIn(value: unknown): readonly string[] {
  const names = new Set<string>();
  const visit = (inner: unknown): void => {
    if (typeof inner === "string") {
      for (const { name, owner } of referencesIn(inner)) if (owner === "user") names.add(name);
    } else if (typeof inner === "object" && inner !== null) {
      for (const child of Object.values(inner)) visit(child);
    }
  };
  visit(value);
  return [...names].sort();
}

/** What of an environment has a value: what references are filled in with. */
export function defined(env: Readonly<Record<string, string | undefined>>): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(env).filter((entry): entry is [string, string] => entry[1] !== undefined));
}

/**
 * The text with its references filled in. A name without a value is left as it stands (for a shell that has it in its
 * environment). Not to be done twice to one text: a value may itself look like a reference, and `$${NAME}` is undone.
 */
export function fillReferences(text: string, values: Readonly<Record<string, string>>): string {
  return text.replaceAll(REFERENCE, (whole, escape: string, name: string) => {
    if (escape === "$") return whole.slice(1);
    return Object.hasOwn(values, name) ? (values[name] ?? "") : whole;
  });
}

function isUsers(name: string): boolean {
  return /^[A-Z_][A-Z0-9_]*$/.test(name);
}
