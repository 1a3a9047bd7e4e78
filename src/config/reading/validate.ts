import { z } from "zod";
import { nearest } from "../../core/text/nearest.ts";
import { at, type Located, type Path, plain } from "./located.ts";
import type { PathProblem } from "./problem.ts";
import { aboutOf, acceptsKind, kindOf, nounOf, schemaAt, unwrap } from "./schema-walk.ts";
import { type Frame, invalid, unknownKey } from "./unknown-key.ts";
import { translateVerbs } from "./verbs.ts";
import { alternatives, lastKey, likeFix, quoted, shown } from "./wording.ts";

type Issue = z.core.$ZodIssue;

export type Validated<T> =
  | { readonly ok: true; readonly value: T; readonly problems: readonly PathProblem[] }
  | { readonly ok: false; readonly problems: readonly PathProblem[] };

/** Holds a value against a schema. Each mistake is told once, in a sentence of its own, with the path of its place. */
export function validate<S extends z.ZodType>(schema: S, located: Located): Validated<z.output<S>> {
  // Compiling the schema would take longer than the one reading that it is for.
  const result = schema.safeParse(plain(located), { jitless: true });
  if (result.success) return { ok: true, value: result.data, problems: [] };
  const problems = result.error.issues.flatMap((issue) => translate({ located, schema, base: [] }, issue));
  return { ok: false, problems: withoutFollowers(problems) };
}

const NOTHING_KNOWN = z.unknown();

function translate(frame: Frame, issue: Issue): readonly PathProblem[] {
  const path = [...frame.base, ...issue.path.map((key) => (typeof key === "symbol" ? String(key) : key))];
  const node = at(frame.located, frame.base);
  // A check that fails on the only fitting option of a union is told as the union's.
  const isOpen = issue.code !== "invalid_union";
  const found = schemaAt(frame.schema, issue.path, node, isOpen) ?? schemaAt(frame.schema, issue.path, node);
  const inner: Frame = { ...frame, base: path, schema: found?.schema ?? NOTHING_KNOWN };
  if (issue.code === "unrecognized_keys") return issue.keys.map((key) => unknownKey(inner, key, found?.siblings));
  // What has a place elsewhere only: the schema has a name for it so that it is no key of the user's own.
  if (issue.code === "invalid_type" && issue.expected === "never") return forbidden(frame, issue.path);
  if (issue.code === "invalid_union") return translateUnion(inner, issue);
  if (issue.code === "invalid_key") return [invalidKey(frame, issue, path)];
  if (issue.code === "custom") return [invalid(path, issue.message, fixOf(issue))];
  const problem = wrongValue(inner, issue);
  // What is to be a reference to a secret was perhaps the secret itself.
  const isSecret = aboutOf(inner.schema).like?.startsWith("${") === true && problem.isAbsence !== true;
  return [isSecret ? { ...problem, isSecret } : problem];
}

function forbidden(frame: Frame, path: readonly PropertyKey[]): readonly PathProblem[] {
  const parent = path.slice(0, -1);
  const schema = schemaAt(frame.schema, parent, at(frame.located, frame.base), true)?.schema ?? NOTHING_KNOWN;
  const base = [...frame.base, ...parent.map((key) => (typeof key === "symbol" ? String(key) : key))];
  return [unknownKey({ ...frame, schema, base }, String(path.at(-1)))];
}

function fixOf(issue: Issue): string | undefined {
  const fix: unknown = issue.code === "custom" ? issue.params?.["fix"] : undefined;
  return typeof fix === "string" && fix !== "" ? fix : undefined;
}

function wrongValue(frame: Frame, issue: Issue): PathProblem {
  const { located, schema, base } = frame;
  const node = at(located, base);
  const facts = aboutOf(schema);
  if (node === undefined) return missing(frame);
  const value = plain(node);
  if (typeof value === "number" && facts.parse !== undefined) {
    const result = facts.parse(String(value));
    if (!result.ok) return invalid(base, result.what, result.fix);
  }
  if (issue.code === "invalid_value" && typeof value === "string") {
    const values = issue.values.map(String);
    const near = nearest(value, values);
    const meant = near === undefined ? "" : `; did you mean \`${near}\`?`;
    return invalid(
      base,
      `${lastKey(base)} must be ${alternatives(values.map(quoted))}, not \`${value}\`${meant || "."}`,
    );
  }
  if (issue.code === "too_small" && typeof value === "number")
    return invalid(base, `${lastKey(base)} must be at least ${issue.minimum}, not ${value}.`);
  if (issue.code === "too_big" && typeof value === "number")
    return invalid(base, `${lastKey(base)} must be at most ${issue.maximum}, not ${value}.`);
  if (issue.code === "too_small" && (Array.isArray(value) || value === ""))
    return invalid(base, `${lastKey(base)} is empty.`, likeFix(base, facts.like));
  return invalid(base, `${lastKey(base)} must be ${nounOf(schema)}, not ${shown(value)}.`, likeFix(base, facts.like));
}

function missing({ schema, base }: Frame): PathProblem {
  const key = base.at(-1);
  const { like, noun } = aboutOf(schema);
  const example = like === undefined ? (noun === undefined ? "" : `: ${noun}`) : `, for example \`${key}: ${like}\``;
  return {
    code: "plan-key-missing",
    what: `\`${key}\` is missing.`,
    fix: `Add \`${key}\`${example}.`,
    path: base,
    on: "key",
    isAbsence: true,
  };
}

function invalidKey(frame: Frame, issue: Issue, path: Path): PathProblem {
  const found = schemaAt(frame.schema, issue.path.slice(0, -1), at(frame.located, frame.base), true);
  const record = unwrap(found?.schema ?? NOTHING_KNOWN);
  const key = record instanceof z.ZodRecord ? aboutOf(record.keyType) : {};
  return {
    code: "plan-value-invalid",
    what: `\`${String(path.at(-1))}\` is not ${key.noun ?? "a key that can stand here"}.`,
    path,
    on: "key",
    ...(key.like === undefined ? {} : { fix: `Write it like \`${key.like}\`.` }),
  };
}

function translateUnion(frame: Frame, issue: Extract<Issue, { code: "invalid_union" }>): readonly PathProblem[] {
  const union = unwrap(frame.schema);
  const node = at(frame.located, frame.base);
  if (node === undefined) return [missing(frame)];
  if (!(union instanceof z.ZodUnion)) return [wrongValue(frame, issue)];
  const options = union.options;
  const { verbs } = aboutOf(frame.schema);
  if (verbs !== undefined) return translateVerbs(frame, issue, verbs, translate);
  const kind = kindOf(node);
  const fitting = options.flatMap((option, index) => (acceptsKind(option, kind) ? [{ option, index }] : []));
  const [only] = fitting;
  // A text that is not the one word that may stand there was most likely meant as something longer.
  const isWord = only !== undefined && unwrap(only.option) instanceof z.ZodLiteral;
  if (fitting.length === 1 && only !== undefined && !isWord)
    return (issue.errors[only.index] ?? []).flatMap((inner) => translate({ ...frame, schema: only.option }, inner));
  const withUnit = options.find((option) => aboutOf(option).parse !== undefined);
  return [
    wrongValue(
      fitting.length === 0 && withUnit !== undefined && kind === "number" ? { ...frame, schema: withUnit } : frame,
      issue,
    ),
  ];
}

/** What is missing only because its place holds a key of a later version needs no telling. */
function withoutFollowers(problems: readonly PathProblem[]): readonly PathProblem[] {
  const parent = (path: Path): string => JSON.stringify(path.slice(0, -1));
  const refused = new Set(problems.filter(({ code }) => code === "plan-key-not-built").map(({ path }) => parent(path)));
  return problems.filter(({ code, path }) => code !== "plan-key-missing" || !refused.has(parent(path)));
}
