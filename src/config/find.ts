import { readdirSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import { nearest } from "../core/text/nearest.ts";
import { PlanFileError } from "./plan-file-error.ts";
import type { ProblemCode } from "./reading/problem.ts";

export const PLAN_FILES = ["tidegate.yaml", "tidegate.yml", "tidegate.config.ts"] as const;

/** The absolute path of the plan file. */
export function findPlanFile({ path, cwd }: { readonly path?: string; readonly cwd: string }): string {
  if (path !== undefined) {
    const file = resolve(cwd, path);
    const names = namesIn(dirname(file));
    if (names.includes(basename(file))) return file;
    const near = nearest(basename(file), names);
    return refuse(
      "plan-file-missing",
      `There is no plan file \`${path}\`${near === undefined ? "." : `; did you mean \`${near}\`?`}`,
      dirname(file),
      "Name a file that exists: `--file tidegate.yaml`.",
    );
  }
  const found = PLAN_FILES.filter((name) => namesIn(cwd).includes(name));
  if (found.length > 1)
    refuse(
      "plan-file-ambiguous",
      `Here are ${found.join(" and ")}, and only one of them can be the plan file.`,
      cwd,
      `Keep one, or say which: \`--file ${found[0] ?? ""}\`.`,
    );
  const [only] = found;
  if (only !== undefined) return join(resolve(cwd), only);
  return refuse(
    "plan-file-missing",
    "There is no plan file here.",
    cwd,
    "Write one with `tidegate init`, go to the folder that has one, or name it: `--file PATH`.",
  );
}

/** What lies in a folder; nothing where there is none. */
export function namesIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

/** `tidegate.yaml` → `tidegate.staging.yaml`, `tidegate.config.ts` → `tidegate.staging.yaml`; the first that exists. */
export function overlayOf(folder: string, file: string, environment: string): string | undefined {
  const names = namesIn(folder);
  const found = ["yaml", "yml"]
    .map((ending) => `${stemOf(file)}.${environment}.${ending}`)
    .find((name) => names.includes(name));
  return found === undefined ? undefined : join(folder, found);
}

function stemOf(file: string): string {
  return basename(file).replace(/(\.config)?\.(ts|ya?ml)$/, "");
}

/** A name mistyped would otherwise release with production's settings and say nothing. */
export function missingOverlay(
  folder: string,
  file: string,
  environment: string,
  found: string | undefined,
): readonly string[] {
  const stem = `${stemOf(file)}.`;
  const others = namesIn(folder).flatMap((name) => {
    const match = /^(.+)\.ya?ml$/.exec(name.startsWith(stem) ? name.slice(stem.length) : "");
    return match?.[1] === undefined ? [] : [match[1]];
  });
  if (found !== undefined || others.length === 0) return [];
  return [
    `There is no ${stem}${environment}.yaml: ${basename(file)} applies as it is. There are overlays for ${others.join(", ")}.`,
  ];
}

/** Throws the one mistake that leaves nothing to read. */
export function refuse(code: ProblemCode, what: string, where: string, fix: string): never {
  throw new PlanFileError([{ code, what, where, fix }]);
}
