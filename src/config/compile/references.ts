import { nearest } from "../../core/text/nearest.ts";
import { referencesIn, SOURCE_NAMES, TIDEGATE_NAMES } from "../../core/text/references.ts";
import type { Path } from "../reading/located.ts";
import type { PathProblem, Problem } from "../reading/problem.ts";
import type { PlanConfig } from "../schema/plan-file.ts";

type TidegateName = (typeof TIDEGATE_NAMES)[number] | (typeof SOURCE_NAMES)[number] | "file" | "revision";

/** Which references may stand in a text: Tidegate's own by name, and whether the user's may. */
export interface Allowed {
  readonly own: readonly TidegateName[];
  readonly user: boolean;
  /** The text is for a shell, which has variables of its own too. */
  readonly shell?: boolean;
  /** What it refers to need not be set for a release. */
  readonly isOptional?: true;
}

const NONE: Allowed = { own: [], user: false };
/** Tidegate fills nothing in: the shell finds the user's values in its environment. */
export const SHELL_ALONE: Allowed = { own: [], user: true, shell: true };
export const OF_REQUEST: Allowed = { own: ["version"], user: true };
const OF_SOURCE: Allowed = { own: SOURCE_NAMES, user: true };
export const OF_ADDRESS: Allowed = { own: [], user: true };

/** A shell line about a file that Tidegate has made. */
const OF_FILE: Allowed = { own: ["file"], user: true, shell: true };

/** The arguments of a program that takes one revision up or down; it has the environment itself. */
const OF_REVISION: Allowed = { own: ["revision", "version", "file"], user: false };

const OF_SERVICE: Readonly<Record<string, Allowed>> = {
  run: { own: TIDEGATE_NAMES, user: true, shell: true },
  env: { own: TIDEGATE_NAMES, user: true },
  image: { own: ["version"], user: false },
  build: { own: ["version", "dir"], user: true, shell: true },
  prepare: { own: ["version", "dir"], user: true, shell: true },
};

const OF_REHEARSAL: Allowed = { own: TIDEGATE_NAMES, user: true, isOptional: true };

const OF_STEP: Readonly<Record<string, Allowed>> = {
  run: { own: ["version", "slot"], user: true, shell: true },
  undo: { own: ["version", "slot"], user: true, shell: true },
  notify: { own: ["version", "slot"], user: false },
  smoke: OF_REQUEST,
  warm: OF_REQUEST,
};

function allowedAt(path: Path): Allowed {
  const words = path.filter((key) => typeof key === "string");
  const [top = "", , key = ""] = words;
  if (top === "services") return Object.hasOwn(OF_SERVICE, key) ? (OF_SERVICE[key] ?? NONE) : NONE;
  if (top === "rehearsal") return words[1] === "env" ? OF_REHEARSAL : NONE;
  if (top === "compose") return words[1] === "set" ? { own: ["version"], user: false } : NONE;
  if (top === "traffic") return words[1] === "pins" ? OF_ADDRESS : NONE;
  if (top === "database") return inDatabase(words);
  if (top === "notify" || top === "page") return OF_ADDRESS;
  // A line for the shell; in a list of arguments everything is filled in.
  if (words.includes("guards") && path.at(-1) === "command") return { ...OF_SOURCE, shell: true };
  if (top === "metrics" || words.includes("guards")) return OF_SOURCE;
  if (top !== "steps") return NONE;
  const verb = words.find((word) => Object.hasOwn(OF_STEP, word)) ?? "";
  const last = path.at(-1);
  if ((verb === "smoke" && last === "run") || (verb === "warm" && last === "until")) return SHELL_ALONE;
  return OF_STEP[verb] ?? NONE;
}

function inDatabase(words: readonly string[]): Allowed {
  if (words[1] === "url" || words.at(-1) === "scratch") return OF_ADDRESS;
  if (words.at(-1) === "upload") return OF_FILE;
  return words[1] === "migrations" && words[2] === "command" ? OF_REVISION : NONE;
}

/** What instances and commands get in their environment from Tidegate. */
export function isGiven(name: string): boolean {
  return /^(TIDEGATE_[A-Z0-9_]+|DEPLOYMENT_ENV|BLUE_GREEN_MODE|PORT)$/.test(name);
}

/** `for name in …`, `NAME=x; echo ${NAME}`: the shell's own variables. */
function isAssignedIn(line: string, name: string): boolean {
  return new RegExp(String.raw`(?:^|[\s;&|({])(?:${name}=|(?:for|read)\s+${name}\b)`).test(line);
}

type Env = Readonly<Record<string, string | undefined>>;

/** Each reference of the plan that has no value, or can't have one where it stands. */
export function referenceProblems(config: PlanConfig, env: Env): readonly PathProblem[] {
  const problems: PathProblem[] = [];
  const visit = (value: unknown, path: Path): void => {
    if (typeof value === "string") {
      for (const wrong of wrongReferences(value, allowedAt(path), env)) problems.push({ ...wrong, path, on: "value" });
    } else if (Array.isArray(value)) value.forEach((item, index) => visit(item, [...path, index]));
    else if (typeof value === "object" && value !== null)
      for (const [key, inner] of Object.entries(value)) visit(inner, [...path, key]);
  };
  visit(config, []);
  return problems;
}

type Wrong = Pick<PathProblem & Problem, "code" | "what"> & { readonly fix: string; readonly part: string };

export function wrongReferences(text: string, allowed: Allowed, env: Env): readonly Wrong[] {
  return referencesIn(text).flatMap(({ name, owner }): readonly Wrong[] => {
    if (allowed.shell === true && (isGiven(name) || isAssignedIn(text, name))) return [];
    const part = `\${${name}}`;
    const itself =
      allowed.shell === true
        ? `A variable of the shell's own is written \`$${name}\`.`
        : `For the text itself write \`$${part}\`.`;
    if (owner === "user") {
      if (!allowed.user) {
        const what = `\`${part}\` can't stand here: only what is used while the release runs may come from the environment.`;
        return [{ code: "plan-value-invalid", what, fix: "Write the value itself.", part }];
      }
      if (env[name] !== undefined || allowed.isOptional === true) return [];
      const fix = `Set ${name} in the environment in which Tidegate runs. ${itself}`;
      return [{ code: "environment-variable-missing", what: `\`${part}\` is not set in the environment.`, fix, part }];
    }
    if (allowed.own.some((own) => own === name)) return [];
    const near = nearest(name, allowed.own);
    const meant = near === undefined ? "." : `; did you mean \`\${${near}}\`?`;
    const names = allowed.own.map((own) => `\${${own}}`).join(", ");
    const known = names === "" ? "Tidegate fills nothing in here. " : `Known here: ${names}. `;
    return [
      { code: "plan-name-unknown", what: `\`${part}\` is not known here${meant}`, fix: `${known}${itself}`, part },
    ];
  });
}
