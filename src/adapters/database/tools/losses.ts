import type { Client } from "pg";
import type { Loss } from "../loss.ts";
import { lossIn } from "../postgres/losses.ts";
import type { Taken } from "../postgres/taken-by-way-back.ts";
import type { Thing } from "./schema.ts";
import { isMadeAnew } from "./schema-change.ts";
import type { Tried } from "./trial.ts";

/**
 * What a way back would lose now: what it took away on the copy, looked at in the rows of the database. Empty: nothing, as far as the schema and the
 * statements that it ran tell.
 */
export async function lossesOf(client: Client, { up, down }: Tried): Promise<readonly Loss[]> {
  if (down === null) return [];
  const { vanished, changed } = down.change;
  const made = new Set((up?.change.appeared ?? []).map(nameOf));
  const tables = new Set(vanished.flatMap(({ kind, name }) => (kind === "table" ? [name] : [])));
  const losses: Loss[] = [];
  for (const thing of vanished) {
    const taken = takenBy(thing);
    if (taken === null || (taken.kind === "column" && tables.has(taken.table))) continue;
    const what = await lossIn(client, taken, made.has(nameOf(thing)));
    if (what !== null) losses.push({ line: 1, what });
  }
  for (const { was, is } of changed) {
    if (isMadeAnew(was, is)) losses.push({ line: 1, what: `makes ${was.kind} ${nameOf(was)} anew` });
    else if (was.kind === "column" && was.shape[0] !== is.shape[0])
      losses.push({ line: 1, what: `changes the type of ${nameOf(was)}` });
  }
  return [...losses, ...down.writes.map((what) => ({ line: 1, what }))];
}

function takenBy(thing: Thing): Taken | null {
  const { kind, name, table } = thing;
  if (kind === "table") return { kind, line: 1, name };
  if (kind === "column" && table !== null) return { kind, line: 1, table, column: unquoted(name) };
  if (kind === "sequence" || kind === "foreign table")
    return { kind: "unknown", line: 1, what: `drops ${kind} ${name}` };
  return null;
}

function nameOf({ table, name }: Thing): string {
  return (table === null ? name : `${table}.${name}`).replaceAll('"', "");
}

function unquoted(name: string): string {
  return name.startsWith('"') ? name.slice(1, -1).replaceAll('""', '"') : name;
}
