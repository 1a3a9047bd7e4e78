import type { Finding, Severity } from "../../core/migration/finding.ts";
import type { ServedQuery, Serving } from "../../core/migration/serving.ts";
import { formatCount } from "../../core/analysis/figures.ts";
import { onOneLine } from "../../core/text/plain-text.ts";
import type { Change } from "../lint/change.ts";
import type { Judge } from "../lint/judge.ts";
import type { Rule, Said } from "../lint/rule.ts";
import type { SqlParser } from "../sql/parser.ts";
import { type KnownDatabase, type Need, needOf } from "./needs.ts";
import { bareName } from "../sql/object-name.ts";
import { type Relations, relationsIn } from "./relations.ts";
import { isSmall, sizeWords, tableOf } from "./size.ts";
import { readUses, type Uses } from "./uses.ts";
import { aboutWords, namesIn } from "./words.ts";

/** Weighs findings by a database as it is now and by what is asked of it. */
export function judgeBy({ catalogue, queries }: Serving, parse: SqlParser): Judge {
  const relation = relationsIn(catalogue.relations);
  const types = new Map(catalogue.types.map((type) => [type.name, type]));
  const known: KnownDatabase = {
    relation,
    tablesOf: (type) => types.get(type)?.tables ?? [],
  };
  const isThere = (name: string): boolean =>
    relation(name) !== null || [...types.keys(), ...catalogue.functions, ...catalogue.schemas].includes(bareName(name));
  const asked = once(() => (queries?.list ?? []).map((query) => ({ query, uses: readUses(query.sql, parse) })));
  const column = (table: string, name: string) => relation(table)?.columns.find((each) => each.name === name);

  const weighed = (finding: Finding, rule: Rule, change: Change): Finding => {
    const gone = missing(change, isThere);
    if (gone !== null) return lowered(finding, `There is no ${gone} in this database.`);
    const table = relation(tableOf(change) ?? "");
    if (rule.isBySize === true && table !== null) {
      if (!isSmall(table)) return { ...finding, known: `${table.name} has ${sizeWords(table) || "an unknown size"}.` };
      const small = `${table.name} is small (${sizeWords(table)}): this takes a moment.`;
      return change.kind === "change-type" ? byQueries(asWarning(finding), change, small) : lowered(finding, small);
    }
    return finding.kind === "compat" ? byQueries(finding, change, null) : finding;
  };

  const byQueries = (finding: Finding, change: Change, also: string | null): Finding => {
    const needs = asked().flatMap(({ query, uses }) => {
      const need = uses === null ? mentioned(query, change) : needOf(change, uses, known);
      return need === null || need === undefined ? [] : [{ query, need }];
    });
    const told = (sentence: string): string => (also === null ? sentence : `${also} ${sentence}`);
    const needed = byNeeds(finding, needs);
    if (needed !== null) return { ...needed, known: told(needed.known) };
    const about = aboutWords(change);
    const harmless = harmlessBy(change, known);
    if (harmless !== null) return lowered(finding, told(harmless));
    const mention = catalogue.mentions.find(({ name }) => namesIn(change).includes(name));
    const dependent = dependentOn(change, known);
    if (queries === null) {
      const others = [
        ...(dependent === null ? [] : [dependent]),
        ...(mention === undefined ? [] : [`the function ${mention.by} names it`]),
      ];
      if (others.length > 0) return { ...finding, known: told(`${capital(others.join(", and "))}.`) };
      return also === null ? finding : { ...finding, known: also };
    }
    if (needOf(change, NO_USES, known) === undefined) return finding;
    const count = queries.list.length;
    const none = `Of ${formatCount(count)} ${count === 1 ? "query" : "queries"} of ${queries.from} none ${about}`;
    if (mention !== undefined) return { ...finding, known: told(`${none}, but the function ${mention.by} names it.`) };
    if (queries.doubt !== null) return { ...finding, known: told(`${none}, but ${queries.doubt}.`) };
    return lowered(finding, told(`${none}.`));
  };

  return {
    has: (name) => {
      const [table = "", part] = name.split("\0");
      if (part === undefined) return isThere(table);
      const found = relation(table);
      return (
        found !== null && (column(table, part) !== undefined || found.constraints.some((each) => each.name === part))
      );
    },
    isNotNull: (table, name) => column(table, name)?.isNotNull === true,
    isProvenNotNull: (table, name) =>
      relation(table)?.constraints.some((each) => each.isValidated && each.notNullOf === name) === true,
    isUniqueIndex: (name) => isUnique(relation, name),
    weigh: (finding, { change }: Said, rule) => (change === undefined ? finding : weighed(finding, rule, change)),
  };
}

interface Needed {
  readonly query: ServedQuery;
  readonly need: "breaks" | "touches";
}

/** The finding as the queries make it weigh that need something of what is changed; null: none does. */
function byNeeds(finding: Finding, needs: readonly Needed[]): (Finding & { readonly known: string }) | null {
  const breaking = needs.filter(({ need }) => need === "breaks");
  const isBreaking = breaking.length > 0;
  const [first, ...others] = isBreaking ? breaking : needs;
  if (first === undefined) return null;
  const words = `${queryWords(first.query)}${others.length === 0 ? "" : ` and ${others.length} more`}`;
  const known = isBreaking ? `${words} need${others.length === 0 ? "s" : ""} it.` : `${words} may feel it.`;
  return { ...finding, severity: heavier(finding, isBreaking), known };
}

const NO_USES: Uses = { tables: new Map(), names: new Set() };

function once<T>(make: () => T): () => T {
  let made: { readonly value: T } | null = null;
  return () => (made ??= { value: make() }).value;
}

function isUnique(relation: Relations, name: string): boolean {
  const table = relation(relation(name)?.table ?? "");
  return table?.indexes.some((index) => index.isUnique && index.name === bareName(name)) === true;
}

/** A query that nobody can read needs whatever it names. */
function mentioned({ sql }: ServedQuery, change: Change): Need {
  const words = new Set(sql.match(/[\p{L}_][\p{L}\p{N}_$]*/gu));
  return namesIn(change).every((name) => words.has(name)) ? "touches" : null;
}

/** What a change is of and the database does not have: nobody can miss it, or wait for it. */
function missing(change: Change, isThere: (name: string) => boolean): string | null {
  if (change.kind === "drop") return change.names.every((name) => !isThere(name)) ? change.names.join(", ") : null;
  if (change.kind === "truncate")
    return change.tables.every((name) => !isThere(name)) ? change.tables.join(", ") : null;
  if (change.kind === "rename") {
    const name = change.of === "" ? change.from : change.of;
    return isThere(name) ? null : name;
  }
  if (change.kind === "revoke") return change.names.some(isThere) ? null : change.names.join(", ");
  const table = tableOf(change);
  return table === null || isThere(table) ? null : table;
}

function harmlessBy(change: Change, known: KnownDatabase): string | null {
  if (change.kind === "drop-constraint") {
    const constraint = known.relation(change.table)?.constraints.find(({ name }) => name === change.name);
    if (constraint === undefined) return `${change.table} has no constraint ${change.name}.`;
    if (constraint.kind === "check" || constraint.kind === "foreign")
      return `${change.name} is a ${constraint.kind === "check" ? "check" : "foreign key"}: no query needs it, and what it kept out comes in.`;
  }
  if (change.kind === "drop-column") {
    const table = known.relation(change.table);
    if (table !== null && table.kind === "table" && !table.columns.some(({ name }) => name === change.column))
      return `${change.table} has no column ${change.column}.`;
  }
  return null;
}

function dependentOn(change: Change, known: KnownDatabase): string | null {
  const [table, column] =
    change.kind === "drop-column"
      ? [change.table, change.column]
      : change.kind === "rename"
        ? [change.of, change.what === "column" ? change.from : null]
        : change.kind === "drop"
          ? [change.names[0] ?? "", null]
          : ["", null];
  const reader = known.relation(table)?.readers.find((each) => column === null || each.column === column);
  return reader === undefined ? null : `the view ${bareName(reader.view)} reads it`;
}

function lowered(finding: Finding, sentence: string): Finding {
  return { ...finding, severity: "info", known: sentence };
}

function asWarning(finding: Finding): Finding {
  return { ...finding, severity: "warning" };
}

/** What one query is known to need is an error, whatever it is for those of whom nobody knows. */
function heavier({ severity, rule }: Finding, breaks: boolean): Severity {
  return breaks && rule !== "changing-column-type" ? "error" : severity;
}

function queryWords({ name, sql, calls }: ServedQuery): string {
  const times = calls === null ? "" : ` (asked ${calls === 1 ? "once" : `${formatCount(calls)} times`})`;
  return `${name ?? `\`${onOneLine(sql, 90)}\``}${times}`;
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
