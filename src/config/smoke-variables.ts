import { nearest } from "../core/text/nearest.ts";
import { SMOKE_BUILT_INS, variablesIn } from "../core/smoke/template.ts";
import type { SmokeFlow, SmokeRequest } from "../core/smoke/smoke.ts";
import type { Path } from "./reading/located.ts";
import type { PathProblem } from "./reading/problem.ts";

/** Each `{{name}}` that nothing before it has given a value. */
export function variableProblems(flow: SmokeFlow, steps: Path, flowPath: Path): readonly PathProblem[] {
  const known = new Set<string>([...SMOKE_BUILT_INS, ...Object.keys(flow.variables)]);
  const problems: PathProblem[] = [];
  const check = (request: SmokeRequest, path: Path): void => {
    for (const name of variablesIn(JSON.stringify(request))) {
      if (!known.has(name)) problems.push(unknownVariable(name, known, path));
    }
    if (request.kind === "http") for (const name of Object.keys(request.save)) known.add(name);
  };
  flow.requests.forEach((request, index) => check(request, [...steps, index]));
  // A clean-up may run before a request has saved its value: what is saved anywhere is known to it.
  flow.cleanup.forEach((request, index) => check(request, [...flowPath, "cleanup", index]));
  return problems;
}

function unknownVariable(name: string, known: ReadonlySet<string>, path: Path): PathProblem {
  const near = nearest(name, known);
  return {
    code: "plan-name-unknown",
    what: `\`{{${name}}}\` has no value here${near === undefined ? "." : `; did you mean \`{{${near}}}\`?`}`,
    fix: `Give it one before: \`save: { ${name}: $.id }\` on an earlier request, or \`with: { ${name}: … }\` on the flow. Known here: ${[...known].join(", ")}.`,
    path,
    on: "value",
    part: name,
  };
}
