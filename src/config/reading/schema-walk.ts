import { z } from "zod";
import { type About, about } from "../schema/about.ts";
import { childOf, type Located } from "./located.ts";
import { alternatives } from "./wording.ts";

type Schema = z.core.$ZodType;

/** The schema inside of what only changes when or how a value is read: optional, default, transform. */
export function unwrap(schema: Schema): Schema {
  const next = inside(schema);
  return next === undefined ? schema : unwrap(next);
}

function inside(schema: Schema): Schema | undefined {
  if (schema instanceof z.ZodPipe) return schema.in;
  if (schema instanceof z.ZodLazy) return schema._zod.innerType;
  if (
    schema instanceof z.ZodOptional ||
    schema instanceof z.ZodNullable ||
    schema instanceof z.ZodDefault ||
    schema instanceof z.ZodPrefault ||
    schema instanceof z.ZodReadonly
  )
    return schema._zod.def.innerType;
  return undefined;
}

/** What is known about a schema; what is said of the outer goes before what is said of the inner. */
export function aboutOf(schema: Schema): About {
  const next = inside(schema);
  return { ...(next === undefined ? {} : aboutOf(next)), ...about.get(schema as z.ZodType) };
}

/** A schema, and the other options of the union that it is one of. */
export interface Found {
  readonly schema: Schema;
  readonly siblings: readonly Schema[];
}

/**
 * The schema of the value at a path below `node`. Of a union that option is followed which the value was meant as;
 * undefined where none is. The union that a path ends at is left closed unless `open` says otherwise.
 */
export function schemaAt(
  schema: Schema,
  path: readonly PropertyKey[],
  node: Located | undefined,
  open = false,
): Found | undefined {
  const [key, ...rest] = path;
  if (key === undefined && !open) return { schema, siblings: [] };
  const outer = unwrap(schema);
  if (outer instanceof z.ZodUnion) {
    const option = optionFor(schema, node);
    if (option === undefined) return undefined;
    const found = schemaAt(option, path, node, open);
    const siblings = outer.options.filter((other) => other !== option);
    return found !== undefined && found.siblings.length === 0 && key === undefined ? { ...found, siblings } : found;
  }
  if (key === undefined) return { schema, siblings: [] };
  const next =
    outer instanceof z.ZodObject
      ? (ownShape(outer.shape, key) ?? catchAll(outer))
      : outer instanceof z.ZodArray
        ? outer.element
        : outer instanceof z.ZodRecord
          ? outer.valueType
          : undefined;
  return next === undefined
    ? undefined
    : schemaAt(next, rest, childOf(node, typeof key === "number" ? key : String(key)), open);
}

function ownShape(shape: Readonly<Record<PropertyKey, Schema>>, key: PropertyKey): Schema | undefined {
  return Object.hasOwn(shape, key) ? shape[key] : undefined;
}

/** What stands under keys of the user's own; undefined: there are none. */
function catchAll(object: z.ZodObject): Schema | undefined {
  const others = object._zod.def.catchall;
  return others === undefined || others instanceof z.ZodNever ? undefined : others;
}

/** The option that a value was meant as: by its verb, or as the only one of its kind. */
function optionFor(schema: Schema, node: Located | undefined): Schema | undefined {
  const union = unwrap(schema);
  if (!(union instanceof z.ZodUnion) || node === undefined) return undefined;
  const kind = kindOf(node);
  const fitting = union.options.filter((option) => acceptsKind(option, kind));
  const named = node.kind === "map" ? fitting.filter((option) => node.entries.has(verbOf(option))) : [];
  return named[0] ?? (fitting.length === 1 ? fitting[0] : undefined);
}

/** The keys of an object schema in their order; none of any other schema. */
export function keysOf(schema: Schema): readonly string[] {
  const object = unwrap(schema);
  return object instanceof z.ZodObject ? Object.keys(object.shape) : [];
}

/** The key that tells an option of a union from the others: its first. */
export function verbOf(schema: Schema): string {
  return keysOf(schema)[0] ?? "";
}

export type Kind = "text" | "number" | "boolean" | "nothing" | "list" | "map" | "other";

export function kindOf(node: Located): Kind {
  return node.kind === "scalar" ? kindOfValue(node.value) : node.kind;
}

function kindOfValue(value: unknown): Kind {
  if (value === null || value === undefined) return "nothing";
  if (typeof value === "string") return "text";
  if (typeof value === "number") return "number";
  return typeof value === "boolean" ? "boolean" : "other";
}

export function acceptsKind(schema: Schema, kind: Kind): boolean {
  const inner = unwrap(schema);
  if (inner instanceof z.ZodUnion) return inner.options.some((option) => acceptsKind(option, kind));
  if (inner instanceof z.ZodLiteral) return [...inner.values].some((value) => kindOfValue(value) === kind);
  return ownKind(inner) === kind;
}

function ownKind(schema: Schema): Kind {
  if (schema instanceof z.ZodString || schema instanceof z.ZodEnum) return "text";
  if (schema instanceof z.ZodNumber) return "number";
  if (schema instanceof z.ZodBoolean) return "boolean";
  if (schema instanceof z.ZodNull) return "nothing";
  if (schema instanceof z.ZodArray) return "list";
  return schema instanceof z.ZodObject || schema instanceof z.ZodRecord ? "map" : "other";
}

const NOUNS: Readonly<Record<Kind, string>> = {
  text: "a text",
  number: "a number",
  boolean: "`true` or `false`",
  nothing: "nothing",
  list: "a list",
  map: "an object",
  other: "something else",
};

/** What a value of the schema is called, with its article: "a duration", "a port, a text or an object". */
export function nounOf(schema: Schema): string {
  const { noun } = aboutOf(schema);
  if (noun !== undefined) return noun;
  const inner = unwrap(schema);
  if (inner instanceof z.ZodUnion) {
    return alternatives([...new Set(inner.options.map(nounOf))]);
  }
  if (inner instanceof z.ZodArray) return `a list of ${plural(nounOf(inner.element))}`;
  if (inner instanceof z.ZodLiteral) return [...inner.values].map((value) => `\`${String(value)}\``).join(" or ");
  if (inner instanceof z.ZodEnum) return alternatives(Object.values(inner.enum).map((value) => `\`${String(value)}\``));
  return NOUNS[ownKind(inner)];
}

/** "a route" → "routes", for the few nouns that are used. */
function plural(noun: string): string {
  const bare = noun.replace(/^an? /, "");
  if (!/^[a-z]/.test(bare) || / /.test(bare)) return bare;
  return bare.endsWith("s") ? bare : `${bare}s`;
}
