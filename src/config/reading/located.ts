/**
 * A value that knows where it was written: what YAML text or a TypeScript config becomes, so that overlays can be laid
 * over each other and a mistake still shows its own file, line and column.
 */
export type Located = LocatedMap | LocatedList | LocatedScalar;

export interface LocatedMap {
  readonly kind: "map";
  readonly place: Place;
  readonly entries: ReadonlyMap<string, Entry>;
}

export interface Entry {
  readonly key: Place;
  readonly value: Located;
}

export interface LocatedList {
  readonly kind: "list";
  readonly place: Place;
  readonly items: readonly Located[];
}

export interface LocatedScalar {
  readonly kind: "scalar";
  readonly place: Place;
  readonly value: string | number | boolean | null | undefined;
}

/** Offsets into the source's text; absent where the source has no places (a TypeScript config). */
export interface Place {
  readonly source: Source;
  readonly start?: number;
  readonly end?: number;
}

/** A file as read. `name` is how people are told of it; `order` sorts mistakes of several files. */
export interface Source {
  readonly name: string;
  readonly text: string;
  readonly order: number;
}

export type Path = readonly (string | number)[];

/** The plain value, as a parser without places would give it. */
export function plain(located: Located): unknown {
  if (located.kind === "scalar") return located.value;
  if (located.kind === "list") return located.items.map(plain);
  // No prototype: a key `__proto__` is a key like any other.
  const map = Object.create(null) as Record<string, unknown>;
  for (const [key, { value }] of located.entries) map[key] = plain(value);
  return map;
}

/** `over` laid over `under`: maps merge key by key, lists and scalars replace. Places stay those of their own files. */
export function overlay(under: Located, over: Located): Located {
  if (under.kind !== "map" || over.kind !== "map") return over;
  const entries = new Map(under.entries);
  for (const [key, entry] of over.entries) {
    const before = entries.get(key);
    entries.set(key, before === undefined ? entry : { key: entry.key, value: overlay(before.value, entry.value) });
  }
  return { kind: "map", place: under.place, entries };
}

/** A plain value of a source without places. */
export function locate(value: unknown, source: Source): Located {
  // A place for each: values are told apart by theirs.
  const place = { source };
  if (Array.isArray(value)) return { kind: "list", place, items: value.map((item) => locate(item, source)) };
  if (typeof value === "object" && value !== null) {
    const entries = Object.entries(value)
      // An absent optional key and one that is `undefined` are the same to a TypeScript writer.
      .filter(([, inner]) => inner !== undefined)
      .map(([key, inner]) => [key, { key: { source }, value: locate(inner, source) }] as const);
    return { kind: "map", place, entries: new Map(entries) };
  }
  return { kind: "scalar", place, value: value as LocatedScalar["value"] };
}

export function childOf(located: Located | undefined, key: string | number): Located | undefined {
  if (located?.kind === "map") return located.entries.get(String(key))?.value;
  if (located?.kind === "list") return located.items[Number(key)];
  return undefined;
}

export function at(located: Located, path: Path): Located | undefined {
  return path.reduce<Located | undefined>((inner, key) => childOf(inner, key), located);
}

/**
 * Where the value at a path stands, or its key; where there is none, the nearest place around it (of something that is
 * missing: the key of what it is missing from).
 */
export function placeOf(located: Located, path: Path, on: "key" | "value"): Place {
  for (let length = path.length; length > 0; length--) {
    const parent = at(located, path.slice(0, length - 1));
    const last = path[length - 1] ?? "";
    const entry = parent?.kind === "map" ? parent.entries.get(String(last)) : undefined;
    const isWhole = length === path.length;
    if (entry !== undefined) return isWhole && on === "value" ? entry.value.place : entry.key;
    const item = parent?.kind === "list" ? parent.items[Number(last)] : undefined;
    if (item !== undefined) return item.place;
  }
  return located.place;
}

/** `services.web.replicas`, `steps[3].shift`, `env."a.b"`. */
export function spellPath(path: Path): string {
  return path
    .map((key, index) => {
      if (typeof key === "number") return `[${key}]`;
      const word = /^[\p{L}\p{N}_$-]+$/u.test(key) ? key : JSON.stringify(key);
      return index === 0 ? word : `.${word}`;
    })
    .join("");
}
