import { type Guard, guardId, type RequestFilter } from "../../core/plan/guard.ts";
import { asksTooMuch } from "../../core/traffic/counting.ts";
import type { PathProblem } from "../reading/problem.ts";
import { type Levels, type Scope, writtenIn } from "./entries.ts";

/** The requests of a feature, as the data plane is told. */
export function filterOf(only: Levels["only"]): RequestFilter {
  const { route, method, header = {} } = only ?? {};
  const [first] = Object.entries(header);
  return {
    ...(method === undefined ? {} : { method: method.toUpperCase() }),
    ...(route === undefined ? {} : { path: route }),
    ...(first === undefined ? {} : { header: { name: first[0].toLowerCase(), value: first[1] } }),
  };
}

/**
 * Features of which nobody could say which requests they are, or of which two places say different things. `knowsHeaders`:
 * whether the data plane counts by them.
 */
export function featuresUnclear(
  scopes: readonly Scope[],
  guards: readonly Guard[],
  knowsHeaders: boolean,
): readonly PathProblem[] {
  const known = new Map<string, string>();
  const said = new Set<string>();
  const entries = scopes.flatMap(writtenIn).filter(({ feature }) => feature !== undefined);
  const problems: PathProblem[] = [];
  const tell = (path: PathProblem["path"], what: string, fix: string, isAbsence = false): void => {
    problems.push({ code: "plan-value-invalid", what, fix, path, on: "key", ...(isAbsence ? { isAbsence } : {}) });
  };
  for (const { feature = "", mine, path } of entries) {
    if (mine.only === undefined) continue;
    const at = [...path, "only"];
    const headers = Object.keys(mine.only.header ?? {}).length;
    if (Object.keys(mine.only).length === 0 || (mine.only.header !== undefined && headers === 0))
      tell(
        at,
        `Every request is \`${feature}\` by this.`,
        "Say which: `only: { route: /checkout, method: POST }`.",
        true,
      );
    if (headers > 0 && !knowsHeaders)
      tell(
        [...at, "header"],
        "HAProxy's log, by which Tidegate counts, does not tell the headers of requests.",
        "Ask by `route` and `method`, or let Tidegate's own proxy split the traffic: `embedded: 8080`.",
      );
    if (headers > 1) tell([...at, "header"], "One header can be asked for.", "Remove the others.");
    const filter = JSON.stringify(filterOf(mine.only));
    const before = known.get(feature);
    if (before !== undefined && before !== filter)
      tell(at, `\`${feature}\` is made of other requests elsewhere in the plan.`, "Give one of them another name.");
    known.set(feature, before ?? filter);
  }
  for (const entry of entries) if (entry.mine.only !== undefined) said.add(guardId(entry));
  for (const entry of entries) {
    if (said.has(guardId(entry))) continue;
    said.add(guardId(entry));
    tell(
      entry.path,
      `Nothing says which requests \`${entry.feature ?? ""}\` is.`,
      "Write `only: { route: /checkout }` in it.",
      true,
    );
  }
  const last = entries.at(-1);
  if (last !== undefined && asksTooMuch({ steps: [{ guards }] }))
    tell(last.path, "These are more comparisons and features than the data plane can count.", "Remove some of them.");
  return problems;
}
