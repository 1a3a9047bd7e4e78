import { nearest } from "../../core/text/nearest.ts";
import type { PathProblem } from "../reading/problem.ts";

export type People = Readonly<Record<string, readonly string[]>>;

/** What is wrong with a role that somebody is to have: nobody does. A team of one may do everything. */
export function checkRole(
  role: string,
  people: People,
): (Pick<PathProblem, "code" | "what"> & { readonly fix: string }) | undefined {
  const names = Object.keys(people);
  if (names.length === 0 || role === "anyone") return undefined;
  const roles = [...new Set(Object.values(people).flat())];
  if (roles.includes(role)) return undefined;
  const near = nearest(role, roles);
  return {
    code: "plan-name-unknown",
    what: `Nobody has the role \`${role}\`${near === undefined ? "." : `; did you mean \`${near}\`?`}`,
    fix: `Roles under \`people:\` are: ${roles.join(", ")}. \`anyone\` is the whole team.`,
  };
}
