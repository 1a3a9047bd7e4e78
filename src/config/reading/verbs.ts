import { z } from "zod";
import { nearest } from "../../core/text/nearest.ts";
import { at, plain } from "./located.ts";
import type { PathProblem } from "./problem.ts";
import { aboutOf, keysOf, schemaAt, unwrap, verbOf } from "./schema-walk.ts";
import { type Frame, invalid, notBuiltKey, ownEntry, unknownKey } from "./unknown-key.ts";
import { quoted, shown } from "./wording.ts";

type UnionIssue = Extract<z.core.$ZodIssue, { code: "invalid_union" }>;

/**
 * The mistakes of a union whose options are told apart by their first key (a step by its verb): only those of the option
 * that was meant.
 */
export function translateVerbs(
  frame: Frame,
  issue: UnionIssue,
  thing: string,
  translate: (frame: Frame, issue: z.core.$ZodIssue) => readonly PathProblem[],
): readonly PathProblem[] {
  const { located, base } = frame;
  const node = at(located, base);
  const union = unwrap(frame.schema);
  const options = union instanceof z.ZodUnion ? union.options : [];
  const known = options.filter((option) => keysOf(option).length > 0);
  const names = known.map(verbOf);
  const example = aboutOf(frame.schema).like ?? (thing === "step" ? "- shift: 5%" : `${names[0]}: …`);
  if (node?.kind === "scalar" && typeof node.value === "string") return [bareWord(frame, node.value, thing, known)];
  if (node?.kind !== "map")
    return [
      invalid(
        base,
        `A ${thing} must be an object with one of ${names.join(", ")}, not ${shown(node === undefined ? null : plain(node))}.`,
        `Write it like \`${example}\`.`,
      ),
    ];
  const verbs = [...node.entries.keys()].filter((key) => names.includes(key));
  const [verb, second] = verbs;
  if (verb === undefined) return [noVerb(frame, [...node.entries.keys()], thing, names)];
  // `notify` and `run` may be a step's verb only; two of them mean that a `-` was forgotten.
  if (second !== undefined) {
    const what = `A ${thing} does one thing, and here stand ${verbs.map(quoted).join(" and ")}.`;
    return [
      {
        code: "plan-value-invalid",
        what,
        fix: "Begin each of them with its own `- `.",
        path: [...base, second],
        on: "key",
      },
    ];
  }
  const index = options.findIndex((option) => keysOf(option).length > 0 && verbOf(option) === verb);
  const option = options[index];
  if (option === undefined) return [];
  return (issue.errors[index] ?? []).flatMap((inner) => {
    const others = known.filter((other) => other !== option);
    return inner.code === "unrecognized_keys" && inner.path.length === 0
      ? inner.keys.map((key) => unknownKey({ located, schema: option, base }, key, others))
      : translate({ located, schema: option, base }, inner);
  });
}

function bareWord(frame: Frame, word: string, thing: string, options: readonly z.core.$ZodType[]): PathProblem {
  const { schema, base } = frame;
  const later = notBuiltKey(aboutOf(schema).notBuilt, word, base);
  if (later !== undefined) return { ...later, on: "value" };
  const option = options.find((candidate) => verbOf(candidate) === word);
  if (option !== undefined) {
    const { like } = aboutOf(schemaAt(option, [word], undefined)?.schema ?? option);
    return invalid(base, `\`${word}\` needs a value.`, like === undefined ? undefined : `Write \`${word}: ${like}\`.`);
  }
  return noVerb(frame, [word], thing, options.map(verbOf));
}

function noVerb(
  { schema, base }: Frame,
  keys: readonly string[],
  thing: string,
  names: readonly string[],
): PathProblem {
  const facts = aboutOf(schema);
  for (const key of keys) {
    const path = [...base, key];
    const later = notBuiltKey(facts.notBuilt, key, path);
    if (later !== undefined) return later;
    const elsewhere = ownEntry(facts.elsewhere, key);
    if (elsewhere !== undefined) return { code: "plan-key-unknown", path, on: "key", ...elsewhere };
    const near = nearest(key, names);
    if (near !== undefined)
      return {
        code: "plan-key-unknown",
        what: `\`${key}\` is no ${thing}; did you mean \`${near}\`?`,
        path,
        on: "key",
      };
  }
  const [first] = keys;
  return {
    code: "plan-key-unknown",
    what: first === undefined ? `This ${thing} is empty.` : `\`${first}\` is no ${thing}.`,
    fix: `A ${thing} is one of: ${names.join(", ")}.`,
    path: first === undefined ? base : [...base, first],
    on: "key",
  };
}
