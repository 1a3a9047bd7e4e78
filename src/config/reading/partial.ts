import type { z } from "zod";
import { type Entry, locate, type Located, type Path } from "./located.ts";
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
    tree = withoutMistaken(tree, result.problems, standIns);
  }
  return { located, problems: told ?? [], isPartial: true };
}

/** Goes over the tree once, however many mistakes it has. */
function withoutMistaken(
  tree: Located,
  problems: readonly PathProblem[],
  standIns: Readonly<Record<string, unknown>>,
): Located | undefined {
  const removal = nothingRemoved();
  const added: [string, Entry][] = [];
  for (const { path, code } of problems) {
    const isMissing = code === "plan-key-missing";
    // A map without a key that it needs goes as a whole; only the file itself stays.
    if (!isMissing || path.length > 1) remove(removal, isMissing ? path.slice(0, -1) : path);
    else {
      const key = String(path[0]);
      if (!Object.hasOwn(standIns, key)) return undefined;
      const { source } = tree.place;
      added.push([key, { key: { source }, value: locate(standIns[key], source) }]);
    }
  }
  const left = without(tree, removal);
  if (left === undefined || added.length === 0) return left;
  return left.kind === "map" ? { ...left, entries: new Map([...left.entries, ...added]) } : undefined;
}

/** What is to go, as a tree of the paths to it. */
interface Removal {
  isWhole: boolean;
  readonly inside: Map<string | number, Removal>;
}

function nothingRemoved(): Removal {
  return { isWhole: false, inside: new Map() };
}

function remove(from: Removal, path: Path): void {
  let at = from;
  for (const key of path) {
    const next = at.inside.get(key) ?? nothingRemoved();
    at.inside.set(key, next);
    at = next;
  }
  at.isWhole = true;
}

function without(located: Located, { isWhole, inside }: Removal): Located | undefined {
  if (isWhole) return undefined;
  if (inside.size === 0) return located;
  if (located.kind === "list" && [...inside.keys()].every((key) => typeof key === "number")) {
    const items = located.items.map((item, index) => {
      const removal = inside.get(index);
      return removal === undefined ? item : without(item, removal);
    });
    return { ...located, items: items.filter((item) => item !== undefined) };
  }
  if (located.kind !== "map") return undefined;
  const entries = new Map(located.entries);
  for (const [key, removal] of inside) {
    const entry = entries.get(String(key));
    if (entry === undefined) continue;
    const left = without(entry.value, removal);
    if (left === undefined) entries.delete(String(key));
    else entries.set(String(key), { ...entry, value: left });
  }
  return { ...located, entries };
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
