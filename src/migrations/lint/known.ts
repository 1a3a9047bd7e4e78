import type { DatabaseKind } from "../../core/plan/database.ts";
import type { Change, Column, Constraint } from "./change.ts";
import { keyOfName, nameBeside } from "../sql/object-name.ts";
import type { Judge } from "./judge.ts";
import type { Script } from "./script.ts";

/** What the statements so far have done: those of the same script, and of the files before it. */
export interface Known {
  /** Made by the same script (of a known database: by any that it does not have yet), so nobody uses it yet. */
  isNew(name: string): boolean;
  isNotNull(table: string, column: string): boolean;
  /** A validated check proves that no row of the table has null there, or may do so. */
  isProvenNotNull(table: string, column: string): boolean;
  /** Added as not valid by the transaction that is still open. */
  isAddedUnvalidated(table: string, constraint: string): boolean;
  isUniqueIndex(name: string): boolean;
  columnsOfIndex(name: string): readonly (string | null)[] | null;
  /** Set in this script. */
  isSet(variable: string): boolean;
  /** "script": the tool that runs it has begun one; "assumed": it is taken to. */
  readonly transaction: "begun" | "script" | "assumed" | null;
  /** A table that was there before and that nobody can read until the open transaction ends. */
  readonly lockedTable: string | null;
  /** The table that the statement before altered. */
  readonly alteredBefore: string | null;
  /** Whether the schema was changed in this script. */
  readonly hasChangedSchema: boolean;
}

/** Remembers what statements do, one after the other. */
export interface Memory extends Known {
  begin(script: Script, isApplied: "whole" | "in part" | "not"): void;
  learn(changes: readonly Change[]): void;
}

/** Of a table or the like, and what of it. */
const keyOf = (object: string, ...parts: readonly string[]): string => [keyOfName(object), ...parts].join("\0");

/** Nobody else reads or writes the table while these last. */
const TAKES_ALL = new Set<Change["kind"]>([
  ...(["add-column", "drop-column", "change-type", "set-not-null", "drop-default", "drop-constraint"] as const),
  ...(["rewrite-table", "alter-table", "row-security"] as const),
]);

export function createMemory(
  dialect: DatabaseKind,
  database?: Pick<Judge, "has" | "isNotNull" | "isProvenNotNull" | "isUniqueIndex">,
): Memory {
  // Nobody waits for a single table in SQLite: what matters is who knows it, and a name that it has just got nobody knows.
  const isNewByName = dialect === "sqlite";
  const notNull = new Set<string>();
  const checks = new Map<string, Constraint>();
  const validated = new Set<string>();
  const unique = new Set<string>();
  const indexes = new Map<string, readonly (string | null)[]>();
  let fresh = new Set<string>();
  let variables = new Set<string>();
  let unvalidated = new Set<string>();
  let transaction: Known["transaction"] = null;
  let lockedTable: string | null = null;
  let alteredBefore: string | null = null;
  let hasChangedSchema = false;
  let isBegun = false;

  /** A database that has it already has it in use, unless it was this very script that made it. */
  const isNew = (name: string): boolean => {
    const [object = "", ...parts] = name.split("\0");
    return fresh.has(keyOf(object, ...parts)) && (isBegun || database?.has(name) !== true);
  };

  const meetColumn = (table: string, column: Column): void => {
    if (column.isNotNull || column.isIdentity) notNull.add(keyOf(table, column.name));
  };

  const learnConstraint = (table: string, constraint: Constraint): void => {
    const { name, isValidated, notNullOf } = constraint;
    if (isValidated && notNullOf !== null) validated.add(keyOf(table, notNullOf));
    if (name === null) return;
    fresh.add(keyOf(table, name));
    checks.set(keyOf(table, name), constraint);
    if (!isValidated) unvalidated.add(keyOf(table, name));
  };

  const learnOne = (change: Change): void => {
    if (change.kind === "create-table") {
      fresh.add(keyOf(change.table));
      for (const column of change.columns) meetColumn(change.table, column);
    } else if (MAKING.has(change.kind) && "name" in change && change.name !== null) fresh.add(keyOf(change.name));
    else if (change.kind === "create-index" && change.name !== null) {
      const index = keyOf(nameBeside(change.table, change.name));
      fresh.add(index);
      indexes.set(index, change.columns);
      if (change.isUnique) unique.add(index);
    } else if (change.kind === "add-column") {
      fresh.add(keyOf(change.table, change.column.name));
      meetColumn(change.table, change.column);
    } else if (change.kind === "set-not-null") notNull.add(keyOf(change.table, change.column));
    else if (change.kind === "add-constraint") learnConstraint(change.table, change.constraint);
    else if (change.kind === "validate-constraint") {
      const check = checks.get(keyOf(change.table, change.name));
      // What an earlier migration has added is not known; whoever validates it here knows why.
      validated.add(check === undefined ? keyOf(change.table) : keyOf(change.table, check.notNullOf ?? ""));
    } else if (change.kind === "rename" && (isNew(change.from) || isNewByName))
      fresh.add(keyOf(nameBeside(change.from, change.to)));
    else if (change.kind === "set") variables.add(change.variable.toLowerCase());
  };

  return {
    isNew,
    isNotNull: (table, column) => notNull.has(keyOf(table, column)) || database?.isNotNull(table, column) === true,
    isProvenNotNull: (table, column) =>
      validated.has(keyOf(table)) ||
      validated.has(keyOf(table, column)) ||
      database?.isProvenNotNull(table, column) === true,
    isAddedUnvalidated: (table, constraint) => unvalidated.has(keyOf(table, constraint)),
    isUniqueIndex: (name) => unique.has(keyOf(name)) || database?.isUniqueIndex(name) === true,
    columnsOfIndex: (name) => indexes.get(keyOf(name)) ?? null,
    isSet: (variable) => variables.has(variable),
    get transaction() {
      return transaction;
    },
    get lockedTable() {
      return lockedTable;
    },
    get alteredBefore() {
      return alteredBefore;
    },
    get hasChangedSchema() {
      return hasChangedSchema;
    },
    begin(script, isApplied) {
      // What a database does not have yet stays new to the last of the files that will be run in it.
      if (database === undefined || isApplied === "whole") fresh = new Set();
      isBegun = isApplied === "in part";
      variables = new Set();
      unvalidated = new Set();
      transaction = script.transaction;
      lockedTable = null;
      alteredBefore = null;
      hasChangedSchema = false;
    },
    learn(changes) {
      for (const change of changes) {
        if (change.kind === "begin" || change.kind === "end") {
          transaction = change.kind === "begin" ? "begun" : null;
          unvalidated = new Set();
          lockedTable = null;
        }
        if (transaction !== null && TAKES_ALL.has(change.kind) && "table" in change && !isNew(change.table ?? ""))
          lockedTable = change.table;
        learnOne(change);
      }
      const [first] = changes;
      if (changes.some(isOfSchema)) hasChangedSchema = true;
      alteredBefore = first !== undefined && TAKES_ALL.has(first.kind) && "table" in first ? first.table : null;
      // Outside of a transaction a statement is one by itself.
      if (transaction === null) unvalidated = new Set();
    },
  };
}

const MAKING: ReadonlySet<Change["kind"]> = new Set(["create-type", "create-domain", "create-object"]);

/** Whether a change takes locks on what others use. */
export function isOfSchema({ kind }: Change): boolean {
  return !["none", "set", "begin", "end", "write-rows"].includes(kind);
}
