import type { EnvironmentOverrides } from "../overrides.ts";
import type { Path, Source } from "../reading/located.ts";
import type { PathProblem, Problem } from "../reading/problem.ts";

/** What a plan is compiled with, beside the file's own words. All of it given: compiling reads nothing. */
export interface CompileContext {
  readonly environment: string;
  /** Absolute path of the plan file's folder. */
  readonly folder: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly overrides: EnvironmentOverrides;
  /** The texts of the files that the plan names, by the path as it stands in the plan. */
  readonly files: ReadonlyMap<string, SideFile>;
  /** What is wrong with a JMESPath, in words; null: nothing. */
  readonly readSelect: (expression: string) => string | null;
  /** Where a path of the plan stands; undefined in a file without lines. */
  readonly at: (path: Path) => { readonly file: string; readonly line: number } | undefined;
}

export type SideFile =
  | { readonly kind: "read"; readonly source: Source }
  /** `near`: a file of that folder with a name like it; `others`: what lies there. */
  | { readonly kind: "missing"; readonly near?: string; readonly others: readonly string[] }
  | { readonly kind: "unreadable"; readonly cause: string };

/** Mistakes found while compiling: of the plan, by path; of files that it names, by their own place. */
export interface Told {
  readonly plan: PathProblem[];
  readonly files: Problem[];
}
