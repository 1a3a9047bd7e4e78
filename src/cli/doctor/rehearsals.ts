import { rehearsedSentence } from "../../core/rehearsal/evidence.ts";
import { readRehearsals, rehearsalsUnderWay } from "../../local/rehearsals.ts";
import type { Project } from "../project.ts";
import { type Finding, found } from "./finding.ts";

/** What was found out by the newest rehearsal, and what is left of others. */
export function lookAtRehearsals({ state }: Pick<Project, "state">): readonly Finding[] {
  const [newest] = readRehearsals(state);
  const over = rehearsalsUnderWay(state).filter(({ isAlive }) => !isAlive);
  return [
    ...(newest === undefined
      ? []
      : [
          found(
            "rehearsal",
            newest.passed ? "ok" : "warn",
            `${newest.candidate.label} was ${rehearsedSentence(newest, Date.now())}`,
          ),
        ]),
    ...over.map(({ id, isKept, folder }) =>
      isKept
        ? found("rehearsal", "ok", `journal and logs of rehearsal ${id} are kept in ${folder}`)
        : found(
            "rehearsal",
            "warn",
            `rehearsal ${id} was killed, and has left processes, containers, a copy of the database or folders`,
            "take it away: tidegate rehearse --clean",
          ),
    ),
  ];
}
