import type { Schema, Kind, Thing } from "./schema.ts";

/** How a database differs from what it was before. */
export interface SchemaChange {
  readonly appeared: readonly Thing[];
  readonly vanished: readonly Thing[];
  readonly changed: readonly { readonly was: Thing; readonly is: Thing }[];
}

export function changeBetween(before: Schema, after: Schema): SchemaChange {
  const changed: { was: Thing; is: Thing }[] = [];
  for (const [key, was] of before) {
    const is = after.get(key);
    if (is !== undefined && (was.shape.join("\0") !== is.shape.join("\0") || isMadeAnew(was, is)))
      changed.push({ was, is });
  }
  return {
    appeared: [...after].flatMap(([key, thing]) => (before.has(key) ? [] : [thing])),
    vanished: [...before].flatMap(([key, thing]) => (after.has(key) ? [] : [thing])),
    changed,
  };
}

/** What holds rows is another one, whatever it is called: the old one's rows are gone, or were carried over. */
export function isMadeAnew(was: Thing, is: Thing): boolean {
  return HOLDS_ROWS.has(was.kind) && was.identity !== is.identity;
}

const HOLDS_ROWS: ReadonlySet<Kind> = new Set(["table", "foreign table", "column"]);

export function isNothing({ appeared, vanished, changed }: SchemaChange): boolean {
  return appeared.length + vanished.length + changed.length === 0;
}

/** What it takes from somebody who uses the database as it was, in words; empty: nothing. `inUse`: keys of what is there for them. */
export function takenAway(change: SchemaChange, isInUse: (thing: Thing) => boolean): readonly string[] {
  const { appeared, vanished, changed } = change;
  const gone = new Set(vanished.flatMap(({ kind, name }) => (kind === "column" || kind === "value" ? [] : [name])));
  const vanishing = vanished
    .filter((thing) => isInUse(thing) && (thing.table === null || !gone.has(thing.table)) && isNeeded(thing, appeared))
    .map((thing) => {
      const renamed = appeared.find(({ kind, identity }) => kind === thing.kind && identity === thing.identity);
      return renamed === undefined ? `drops ${wordsOf(thing)}` : `renames ${wordsOf(thing)} to ${renamed.name}`;
    });
  return [...vanishing, ...changed.filter(({ was }) => isInUse(was)).flatMap(({ was, is }) => narrowed(was, is))];
}

/** Indexes, foreign keys and checks nobody misses; what is unique an `ON CONFLICT` may name. */
function isNeeded({ kind, table, shape }: Thing, appeared: readonly Thing[]): boolean {
  if (kind === "trigger" || kind === "policy") return false;
  if (kind !== "index" && kind !== "constraint") return true;
  const isUnique = kind === "index" ? shape[0] === "true" : ["p", "u", "x"].includes(shape[0] ?? "");
  const isSame = (other: Thing): boolean => other.kind === kind && other.table === table && other.shape[1] === shape[1];
  return isUnique && !appeared.some(isSame);
}

function narrowed(was: Thing, is: Thing): readonly string[] {
  const what = wordsOf(was);
  if (isMadeAnew(was, is)) return [`makes ${what} anew`];
  if (was.kind === "column") {
    const [type, isNotNull, value] = was.shape;
    const [typeNow, isNotNullNow, valueNow] = is.shape;
    if (type !== typeNow) return [`changes the type of ${what}`];
    if (isNotNull === "false" && isNotNullNow === "true") return [`lets ${what} hold no NULL`];
    return isNotNullNow === "true" && value !== "" && valueNow === "" ? [`takes the default of ${what}`] : [];
  }
  if (was.kind === "function" || was.kind === "type")
    return was.shape[0] === is.shape[0] ? [] : [`changes what ${what} is`];
  if (was.kind === "table" && was.shape[1] === "false" && is.shape[1] === "true") return [`hides rows of ${what}`];
  return [];
}

/** `column orders.note`, `table legacy`. */
export function wordsOf({ kind, table, name }: Thing): string {
  const bare = (text: string): string => text.replaceAll('"', "");
  if (kind === "value") return `value ${name} of ${bare(table ?? "")}`;
  return `${kind} ${bare(table === null || kind === "index" ? name : `${table}.${name}`)}`;
}

/** What holds rows and was made, in words: without those that it once held. */
export function madeEmpty({ appeared }: SchemaChange): readonly string[] {
  const tables = new Set(appeared.flatMap(({ kind, name }) => (kind === "table" ? [name] : [])));
  return appeared
    .filter(({ kind, table }) => HOLDS_ROWS.has(kind) && (table === null || !tables.has(table)))
    .map(wordsOf);
}

/** In a few words, of a run that ended before its time. */
export function changeWords({ appeared, vanished, changed }: SchemaChange): readonly string[] {
  const inside = new Set([...appeared, ...vanished].flatMap(({ kind, name }) => (kind === "table" ? [name] : [])));
  const isOwn = ({ table }: Thing): boolean => table === null || !inside.has(table);
  return [
    ...appeared.filter(isOwn).map((thing) => `made ${wordsOf(thing)}`),
    ...vanished.filter(isOwn).map((thing) => `dropped ${wordsOf(thing)}`),
    ...changed.map(({ was }) => `changed ${wordsOf(was)}`),
  ];
}
