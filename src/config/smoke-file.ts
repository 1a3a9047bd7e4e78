import type { SmokeFlow } from "../core/smoke/smoke.ts";
import type { Located, Source } from "./reading/located.ts";
import { type PathProblem, placed, type Problem } from "./reading/problem.ts";
import { validate } from "./reading/validate.ts";
import { readYaml } from "./reading/yaml.ts";
import { smokeFile } from "./schema/smoke.ts";
import { compileFlow, type FlowContext } from "./smoke-flows.ts";

export interface SmokeFileRead {
  readonly flows: readonly SmokeFlow[];
  readonly problems: readonly Problem[];
}

/** A file of smoke flows: one flow as a list of requests (named after the file), or several under their names. */
export function parseSmokeFile(source: Source, name: string, context: Omit<FlowContext, "tell">): SmokeFileRead {
  const { located, problems } = readYaml(source);
  if (located === undefined) return { flows: [], problems };
  const result = validate(smokeFile, located);
  if (!result.ok) return { flows: [], problems: [...problems, ...inFile(located, result.problems)] };
  const told: PathProblem[] = [];
  const full = { ...context, tell: (problem: PathProblem) => told.push(problem) };
  const flows = Array.isArray(result.value)
    ? [compileFlow(name, result.value, [], full)]
    : Object.entries(result.value).map(([flow, written]) => compileFlow(flow, written, [flow], full));
  return { flows, problems: [...problems, ...inFile(located, told)] };
}

function inFile(located: Located, problems: readonly PathProblem[]): readonly Problem[] {
  return problems.map((problem) => placed(located, problem));
}
