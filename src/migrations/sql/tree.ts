/** Any node of what the parser gives, as it comes. */
export type Plain = Readonly<Record<string, unknown>>;

/** Meets every object of a tree with the key under which it stands; those of a list have the list's. */
export function walk(value: unknown, meet: (key: string, node: Plain) => void, key = ""): void {
  if (Array.isArray(value)) {
    for (const each of value) walk(each, meet, key);
    return;
  }
  const node = plain(value);
  if (node === null) return;
  meet(key, node);
  for (const [name, inside] of Object.entries(node)) walk(inside, meet, name);
}

export function plain(value: unknown): Plain | null {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Plain) : null;
}

export function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

/** Of a table that stands there by its name. */
export function nameOf(relation: unknown): string | null {
  const name = plain(relation)?.["relname"];
  return typeof name === "string" ? name : null;
}
