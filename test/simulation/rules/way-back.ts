import { type Ledger, readInto } from "./ledger.ts";
import type { Rule } from "./rule.ts";

/** Refusals of a rollback that are right; what the store refuses nobody can promise. */
const FAIR = new Set([
  "no-way-back",
  "release-followed",
  "release-unknown",
  "journal-unavailable",
  "journal-conflict",
  "engine-stopped",
]);

/** I7. */
export const wayBack: Rule = {
  name: "I7",
  sentence: "A person can always roll back, and is told what that undoes",
  begin: (broken) => {
    const ledger: Ledger = new Map();
    const asked = new Map<number, number>();
    return (fact) => {
      readInto(ledger, fact);
      if (
        fact.kind === "asked" &&
        fact.body.kind === "command" &&
        fact.body.command.kind === "rollback" &&
        fact.release !== null
      )
        asked.set(fact.request, fact.release);
      if (fact.kind === "status") {
        const { state, rollbackWould, release } = fact.status;
        const isOver = state === "rolled-back" || state === "failed" || state === "rolling-back";
        if (!isOver && (rollbackWould === null || rollbackWould.length < 20))
          broken(`Release ${release} is ${state}, and nobody is told what a rollback would do.`);
      }
      if (fact.kind !== "answered") return;
      const release = asked.get(fact.request);
      const entry = release === undefined ? undefined : ledger.get(release);
      if (release === undefined || entry === undefined) return;
      const { answer } = fact;
      if (answer.kind !== "refused") {
        if (answer.sentence.length < 20)
          broken(`Release ${release} is rolled back, and nobody is told what that undoes.`);
        return;
      }
      const isFailed = answer.fault.code === "release-ended" && entry.state === "failed";
      if (!FAIR.has(answer.fault.code) && !isFailed)
        broken(
          `A rollback of release ${release} (${entry.state}) was refused: ${answer.fault.code}: ${answer.fault.what}`,
        );
      const isContracted = [...entry.effects.values()].some(
        ({ effect }) => effect.kind === "migrate" && effect.phases.includes("contract"),
      );
      if (answer.fault.code === "no-way-back" && entry.planned.stable?.adopted === undefined && !isContracted)
        broken(`Release ${release} is said to have no way back to ${entry.planned.stable?.version ?? "nothing"}.`);
    };
  },
};
