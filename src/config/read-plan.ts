import { basename } from "node:path";
import type { Plan } from "../core/plan/plan.ts";
import { userNamesIn } from "../core/text/references.ts";
import { fixedPorts } from "./fixed-port.ts";
import { compilePlan } from "./compile/compile.ts";
import type { CompileContext, SideFile } from "./compile/context.ts";
import { isGiven } from "./compile/references.ts";
import { sideFilesOf } from "./compile/side-files.ts";
import type { Override } from "./overrides.ts";
import { at, type Located, type Path, placeOf } from "./reading/located.ts";
import { pathInWhole, readPartly } from "./reading/partial.ts";
import { lineAndColumn } from "./reading/position.ts";
import { type PathProblem, placed, type Problem } from "./reading/problem.ts";
import { planFile } from "./schema/plan-file.ts";

export interface ReadContext extends Pick<
  CompileContext,
  "environment" | "folder" | "env" | "overrides" | "readSelect"
> {
  /** The text of a file that the plan names, by the path as it stands in the plan. */
  readonly readFile: (name: string) => SideFile;
}

export interface PlanRead {
  readonly plan?: Plan;
  readonly overrides: readonly Override[];
  readonly references: readonly string[];
  readonly notes: readonly string[];
  readonly problems: readonly Problem[];
}

/** From what the files say to a plan, or to every mistake in them. */
export function readPlan(written: Located, context: ReadContext): PlanRead {
  const whole = withoutExtensions(written);
  const nothing = { overrides: [], references: [], notes: [] };
  const wrongShape = whole.kind === "map" ? undefined : notAMap(whole);
  if (wrongShape !== undefined) return { ...nothing, problems: [wrongShape] };
  const read = readPartly(planFile, whole, { app: "app", services: {} });
  const schemaProblems = read.problems.map((problem) => placed(whole, problem));
  if (read.value === undefined) return { ...nothing, problems: schemaProblems };

  const files = new Map(sideFilesOf(read.value).map((name) => [name, context.readFile(name)]));
  const compiled = compilePlan(read.value, { ...context, files, at: (path) => lineOf(read.located, path) });
  const problems = [
    ...schemaProblems,
    ...compiled.problems
      // What was left out because it is mistaken only seems to be missing.
      .filter(({ isAbsence }) => !(read.isPartial && isAbsence === true))
      .map((problem) => inWhole(whole, read.located, problem)),
    ...numbersRounded(whole),
    ...compiled.fileProblems,
  ];
  return {
    plan: compiled.plan,
    overrides: compiled.overrides,
    // What is not set, a shell line assigns itself: else it would have been told.
    references: userNamesIn(compiled.plan).filter((name) => !isGiven(name) && context.env[name] !== undefined),
    notes: [
      ...idleOverrides(compiled.overrides, context),
      ...fixedPorts(compiled.plan, (path) => lineOf(read.located, path)),
    ],
    problems,
  };
}

function inWhole(whole: Located, partial: Located, problem: PathProblem): Problem {
  return placed(whole, { ...problem, path: pathInWhole(whole, partial, problem.path) });
}

/** `x-…` at the top holds what anchors are made for, as in compose files; it is nobody's setting. */
function withoutExtensions(located: Located): Located {
  if (located.kind !== "map") return located;
  return { ...located, entries: new Map([...located.entries].filter(([key]) => !key.startsWith("x-"))) };
}

function notAMap(located: Located): Problem {
  return {
    code: "plan-file-invalid",
    what: "A plan file holds keys and their values.",
    fix: "Begin with `app: NAME`.",
    place: located.place,
  };
}

function lineOf(located: Located, path: Path): { readonly file: string; readonly line: number } | undefined {
  const { source, start } = placeOf(located, path, "value");
  if (start === undefined) return undefined;
  // Without its folder: the plan is hashed, and must not depend on where the user stood.
  return { file: basename(source.name), line: lineAndColumn(source, start).line };
}

/** `VERSION: 1.10` is the number 1.1 to YAML, and an app would be told that. */
function numbersRounded(located: Located): readonly Problem[] {
  const services = at(located, ["services"]);
  if (services?.kind !== "map") return [];
  return [...services.entries.keys()].flatMap((name) => {
    const env = at(services, [name, "env"]);
    if (env?.kind !== "map") return [];
    return [...env.entries].flatMap(([key, { value }]): readonly Problem[] => {
      const { source, start, end } = value.place;
      if (value.kind !== "scalar" || typeof value.value !== "number" || start === undefined) return [];
      const text = source.text.slice(start, end);
      if (text === String(value.value)) return [];
      const problem: PathProblem = {
        code: "plan-value-invalid",
        what: `\`${text}\` is the number ${value.value} to YAML.`,
        fix: `Write "${text}".`,
        path: ["services", name, "env", key],
        on: "value",
      };
      return [placed(located, problem)];
    });
  });
}

/** Variables that are set and change nothing: said, because somebody thinks that they do. */
function idleOverrides(applied: readonly Override[], { overrides }: ReadContext): readonly string[] {
  return Object.values(overrides as Readonly<Record<string, { readonly name: string; readonly text: string }>>)
    .filter(({ name }) => name !== "DEPLOYMENT_ENV" && !applied.some((override) => override.name === name))
    .map(({ name, text }) => `${name}=${text} changes nothing: the plan has no place for it.`);
}
