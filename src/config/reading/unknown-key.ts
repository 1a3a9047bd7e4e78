import type { z } from "zod";
import { nearest } from "../../core/text/nearest.ts";
import { type NotBuilt, notBuiltSentence } from "../schema/not-built.ts";
import { at, type Located, type Path } from "./located.ts";
import type { PathProblem } from "./problem.ts";
import { aboutOf, keysOf, verbOf } from "./schema-walk.ts";
import { alternatives, quoted } from "./wording.ts";

/** A value of the file, by its path, and the schema that it is held against. */
export interface Frame {
  readonly located: Located;
  readonly schema: z.core.$ZodType;
  readonly base: Path;
}

export function invalid(path: Path, what: string, fix?: string): PathProblem {
  return { code: "plan-value-invalid", what, path, on: "value", ...(fix === undefined ? {} : { fix }) };
}

/**
 * A key that the schema does not have: of a later version, of another place, mistyped, or simply unknown. `siblings` are
 * the other options of the union that the schema is one of.
 */
export function unknownKey(
  { located, schema, base }: Frame,
  key: string,
  siblings: readonly z.core.$ZodType[] = [],
): PathProblem {
  const path = [...base, key];
  const facts = aboutOf(schema);
  const later = notBuiltKey(facts.notBuilt, key, path) ?? notBuiltInside(facts.notBuiltInside, located, path);
  if (later !== undefined) return later;
  const problem = { code: "plan-key-unknown", path, on: "key" } as const;
  const elsewhere = ownEntry(facts.elsewhere, key);
  if (elsewhere !== undefined) return { ...problem, ...elsewhere };
  const owners = siblings.filter((option) => keysOf(option).includes(key)).map((option) => quoted(verbOf(option)));
  if (owners.length > 0) {
    const what = `\`${key}\` has no meaning on \`${verbOf(schema)}\`: it belongs to ${alternatives(owners)}.`;
    return { ...problem, what, fix: "Remove it, or move it to the step that it is meant for." };
  }
  const known = keysOf(schema);
  const near = nearest(key, known);
  if (near !== undefined) return { ...problem, what: `\`${key}\` is not known here; did you mean \`${near}\`?` };
  return { ...problem, what: `\`${key}\` is not known here.`, fix: `Known here: ${known.join(", ")}.` };
}

/** A user's key may be called `constructor`. */
export function ownEntry<T>(table: Readonly<Record<string, T>> | undefined, key: string): T | undefined {
  return table !== undefined && Object.hasOwn(table, key) ? table[key] : undefined;
}

export function notBuiltKey(
  table: Readonly<Record<string, NotBuilt>> | undefined,
  key: string,
  path: Path,
): PathProblem | undefined {
  const entry = ownEntry(table, key);
  if (entry === undefined) return undefined;
  return { code: "plan-key-not-built", what: notBuiltSentence(key, entry), fix: entry.instead, path, on: "key" };
}

function notBuiltInside(
  table: Readonly<Record<string, NotBuilt>> | undefined,
  located: Located,
  path: Path,
): PathProblem | undefined {
  const node = at(located, path);
  if (node?.kind !== "map") return undefined;
  return [...node.entries.keys()].map((key) => notBuiltKey(table, key, [...path, key])).find((found) => found);
}
