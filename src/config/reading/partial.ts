import type { z } from "zod";
import { locate, type Located, type LocatedMap, type Path } from "./located.ts";
import type { PathProblem } from "./problem.ts";
import { validate, type Validated } from "./validate.ts";

export interface PartlyRead<T> {
  /** Absent when too much is wrong to go on. */
  readonly value?: T;
  /** What `value` was read from: the tree without what was mistaken. */
  readonly located: Located;
  readonly problems: readonly PathProblem[];
  /** Something was left out, so that what seems to be missing may only be mistaken. */
  readonly isPartial: boolean;
}

/**
 * Reads as much as can be read: what is mistaken is told and left out, so that the rest can be held against what no
 * schema knows, and all mistakes of a file are told at once. `standIns` are for keys that the file must have.
 */
export function readPartly<S extends z.ZodType>(
  schema: S,
  located: Located,
  standIns: Readonly<Record<string, unknown>>,
): PartlyRead<z.output<S>> {
  let tree: Located | undefined = located;
  let told: readonly PathProblem[] | undefined;
  // Each round takes something away, so there are never more rounds than values that deep.
  for (let round = 0; round < 20 && tree !== undefined; round++) {
    const result: Validated<z.output<S>> = validate(schema, tree);
    told ??= result.problems;
    if (result.ok) return { value: result.value, located: tree, problems: told ?? [], isPartial: round > 0 };
    for (const { path, code } of byDepth(result.problems)) {
      // A map without a key that it needs goes as a whole; only the file itself stays.
      if (code === "plan-key-missing" && path.length === 1)
        tree = tree === undefined ? undefined : withStandIn(tree, path, standIns);
      else
        tree = tree === undefined ? undefined : without(tree, code === "plan-key-missing" ? path.slice(0, -1) : path);
    }
  }
  return { located, problems: told ?? [], isPartial: true };
}

function withStandIn(
  tree: Located,
  [key = ""]: Path,
  standIns: Readonly<Record<string, unknown>>,
): Located | undefined {
  if (tree.kind !== "map" || !(key in standIns)) return undefined;
  const { source } = tree.place;
  const entry = { key: { source }, value: locate(standIns[key], source) };
  return { ...tree, entries: new Map([...tree.entries, [String(key), entry]]) };
}

/** Later items of a list first, so that indices stay right while they go. */
function byDepth(problems: readonly PathProblem[]): readonly PathProblem[] {
  return [...problems].sort((a, b) => comparePaths(b.path, a.path));
}

function comparePaths(a: Path, b: Path): number {
  for (let index = 0; index < Math.min(a.length, b.length); index++) {
    const [left = "", right = ""] = [a[index], b[index]];
    if (left === right) continue;
    if (typeof left === "number" && typeof right === "number") return left - right;
    return String(left) < String(right) ? -1 : 1;
  }
  return a.length - b.length;
}

function without(located: Located, path: Path): Located | undefined {
  const [key, ...rest] = path;
  if (key === undefined) return undefined;
  if (located.kind === "list" && typeof key === "number") {
    const item = located.items[key];
    const left = item === undefined ? undefined : without(item, rest);
    return {
      ...located,
      items: located.items.flatMap((old, index) => (index !== key ? [old] : left === undefined ? [] : [left])),
    };
  }
  if (located.kind !== "map") return undefined;
  const entry = located.entries.get(String(key));
  if (entry === undefined) return located;
  const left = without(entry.value, rest);
  const entries = new Map(located.entries);
  if (left === undefined) entries.delete(String(key));
  else entries.set(String(key), { ...entry, value: left });
  return { ...located, entries } satisfies LocatedMap;
}

/** The path that a value of the partial tree has in the whole one: items that were left out count again. */
export function pathInWhole(whole: Located, partial: Located, path: Path): Path {
  const [key, ...rest] = path;
  if (key === undefined) return [];
  if (partial.kind === "list" && whole.kind === "list" && typeof key === "number") {
    const item = partial.items[key];
    const index = whole.items.findIndex(({ place }) => place === item?.place);
    const original = whole.items[index];
    return item === undefined || original === undefined ? path : [index, ...pathInWhole(original, item, rest)];
  }
  if (partial.kind !== "map" || whole.kind !== "map") return path;
  const inner = partial.entries.get(String(key))?.value;
  const original = whole.entries.get(String(key))?.value;
  return inner === undefined || original === undefined ? path : [key, ...pathInWhole(original, inner, rest)];
}
