import { nearest } from "../../core/nearest.ts";
import { referencesIn, TIDEGATE_NAMES } from "../../core/references.ts";
import type { Path } from "../reading/located.ts";
import type { PathProblem, Problem } from "../reading/problem.ts";
import type { PlanConfig } from "../schema/plan-file.ts";

type TidegateName = (typeof TIDEGATE_NAMES)[number];

/** Which references may stand in a text: Tidegate's own by name, and whether the user's may. */
export interface Allowed {
  readonly own: readonly TidegateName[];
  readonly user: boolean;
}

const NONE: Allowed = { own: [], user: false };
/** What is filled in where a command of a release runs, or an app is asked. */
export const OF_RELEASE: Allowed = { own: ["version", "dir", "slot"], user: true };
export const OF_CHECK: Allowed = { own: ["version"], user: true };

const OF_SERVICE: Readonly<Record<string, Allowed>> = {
  run: { own: TIDEGATE_NAMES, user: true },
  env: { own: TIDEGATE_NAMES, user: true },
  build: { own: ["version", "dir"], user: true },
  prepare: { own: ["version", "dir"], user: true },
};

const OF_STEP: Readonly<Record<string, Allowed>> = {
  run: OF_RELEASE,
  undo: OF_RELEASE,
  notify: { own: ["version", "slot"], user: false },
  smoke: { own: ["version"], user: true },
  warm: OF_RELEASE,
};

function allowedAt(path: Path): Allowed {
  const words = path.filter((key) => typeof key === "string");
  const [top = ""] = words;
  if (top === "services") return OF_SERVICE[words[2] ?? ""] ?? NONE;
  if (top === "traffic") return words[1] === "pins" ? { own: [], user: true } : NONE;
  if (top === "notify") return { own: [], user: true };
  if (top !== "steps") return NONE;
  return OF_STEP[words.find((word) => Object.hasOwn(OF_STEP, word)) ?? ""] ?? NONE;
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
    const part = `\${${name}}`;
    const itself = `For the text itself write \`$${part}\`.`;
    if (owner === "user") {
      if (!allowed.user) {
        const what = `\`${part}\` can't stand here: only what is used while the release runs may come from the environment.`;
        return [{ code: "plan-value-invalid", what, fix: "Write the value itself.", part }];
      }
      if (env[name] !== undefined) return [];
      const fix = `Set ${name} in the environment in which Tidegate runs. ${itself}`;
      return [{ code: "environment-variable-missing", what: `\`${part}\` is not set in the environment.`, fix, part }];
    }
    if (allowed.own.some((own) => own === name)) return [];
    const near = nearest(name, allowed.own);
    const meant = near === undefined ? "." : `; did you mean \`\${${near}}\`?`;
    const known = allowed.own.length === 0 ? "" : `Known here: ${allowed.own.map((own) => `\${${own}}`).join(", ")}. `;
    return [
      { code: "plan-name-unknown", what: `\`${part}\` is not known here${meant}`, fix: `${known}${itself}`, part },
    ];
  });
}
