/**
 * Names of tables and the like, as they are written: `users`, `shop.users`. A part with a dot in it stands in quotes.
 */
export function writtenName(parts: readonly string[]): string {
  return parts
    .slice(-2)
    .map((part) => (part.includes(".") ? `"${part}"` : part))
    .join(".");
}

/** null: none is written. */
export function schemaOf(name: string): string | null {
  const found = WITH_SCHEMA.exec(name);
  return found === null ? null : (found[1] ?? found[2] ?? "");
}

export function bareName(name: string): string {
  const bare = WITH_SCHEMA.exec(name)?.[3] ?? name;
  return /^"[^"]*\.[^"]*"$/.test(bare) ? bare.slice(1, -1) : bare;
}

const WITH_SCHEMA = /^(?:"([^"]*)"|([^."]+))\.(.+)$/s;

export function inSchema(schema: string, name: string): string {
  return writtenName([schema, bareName(name)]);
}

/** The name of something that lies where something else does: an index where its table is. */
export function nameBeside(other: string, name: string): string {
  const schema = schemaOf(other);
  return schema === null ? name : inSchema(schema, name);
}

/** For telling things apart: without a schema it is the one that every database has. */
export function keyOfName(name: string): string {
  return inSchema(schemaOf(name) ?? "public", name);
}

/** Where one of them is written without its schema nobody knows in which it is looked for. */
export function mayBeSame(a: string, b: string): boolean {
  const [x, y] = [schemaOf(a), schemaOf(b)];
  return bareName(a) === bareName(b) && (x === null || y === null || x === y);
}

/** As PostgreSQL reads it, whatever stands in it. */
export function quotedName(name: string): string {
  const schema = schemaOf(name);
  return [...(schema === null ? [] : [schema]), bareName(name)]
    .map((part) => `"${part.replaceAll('"', '""')}"`)
    .join(".");
}
