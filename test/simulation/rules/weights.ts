import { WHOLE } from "../../../src/core/traffic/share.ts";
import type { RoutingTable } from "../../../src/core/traffic/routing.ts";
import { type Ledger, readInto } from "./ledger.ts";
import type { Rule } from "./rule.ts";

interface InForce {
  readonly from: number;
  readonly share: number;
  readonly candidate: string | null;
  readonly stable: string | null;
  readonly hasTwin: boolean;
}

/** I2, by what was really in force, whatever the plane answered. */
export const weights: Rule = {
  name: "I2",
  sentence: "Weights sum to 100 %; what counts as done was in force",
  begin: (broken) => {
    const ledger: Ledger = new Map();
    const history: InForce[] = [{ from: 0, share: 0, candidate: null, stable: null, hasTwin: false }];
    /** By engine: when the plane last answered it with the truth. */
    const readAt = new Map<number, number>();

    const wasInForce = (since: number, isIt: (then: InForce) => boolean): boolean =>
      history.some((then, index) => isIt(then) && (history[index + 1]?.from ?? Number.POSITIVE_INFINITY) >= since);

    return (fact) => {
      readInto(ledger, fact);
      if (fact.kind === "read" && fact.answers) readAt.set(fact.by, fact.at);
      if (fact.kind === "table") {
        const { share, candidate, stable, twin } = fact.table;
        history.push({
          from: fact.at,
          share,
          candidate: candidate?.version ?? null,
          stable: stable?.version ?? null,
          hasTwin: twin !== undefined,
        });
        for (const problem of problemsOf(fact.table)) broken(problem);
      }
      if (fact.kind !== "appended") return;
      const entry = ledger.get(fact.release);
      if (entry === undefined) return;
      const { candidate, plan } = entry.planned;
      if (!plan.services.some(({ routes }) => routes.length > 0)) return;
      for (const { event } of fact.events) {
        if (event.type === "effect-confirmed") {
          const asked = entry.effects.get(event.key);
          if (asked?.effect.kind !== "share") continue;
          const { share, twin } = asked.effect;
          if (
            !wasInForce(
              asked.askedAt,
              (then) =>
                then.share === share &&
                (share === 0 || then.candidate === candidate.version) &&
                (twin !== true || then.hasTwin),
            )
          )
            broken(`Release ${fact.release}: ${share / 100}% counts as given, and was never in force.`);
        }
        if (event.type === "step-passed") {
          const step = plan.steps.find(({ id }) => id === event.step);
          if (step?.kind !== "shift") continue;
          const since = readAt.get(fact.by) ?? 0;
          if (!wasInForce(since, (then) => then.share === step.share && then.candidate === candidate.version))
            broken(
              `Release ${fact.release}: "${step.name}" ended while the plane gave ${(history.at(-1)?.share ?? 0) / 100}%.`,
            );
        }
        if (event.type === "rolled-back") {
          const since = readAt.get(fact.by) ?? 0;
          if (!wasInForce(since, (then) => then.share === 0 && then.candidate !== candidate.version))
            broken(`Release ${fact.release} counts as rolled back, and ${candidate.version} is still in the table.`);
        }
      }
    };
  },
};

function problemsOf({ share, candidate, stable, twin }: RoutingTable): readonly string[] {
  const problems: string[] = [];
  if (!Number.isSafeInteger(share) || share < 0 || share > WHOLE)
    problems.push(`The weights are ${share} and ${WHOLE - share}.`);
  if (candidate === null && share > 0) problems.push(`${share / 100}% for nobody.`);
  if (stable === null && candidate !== null && share > 0 && share < WHOLE)
    problems.push(`${100 - share / 100}% for nobody.`);
  if (twin !== undefined && twin.version !== stable?.version)
    problems.push(`A twin of ${twin.version}, and no such stable.`);
  return problems;
}
