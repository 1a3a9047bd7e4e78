import type { ReleaseEvent } from "../../../src/core/release/event.ts";
import { formatCount } from "../../../src/core/analysis/figures.ts";
import type { Rule } from "./rule.ts";

/** I10. */
export const sentences: Rule = {
  name: "I10",
  sentence: "Every decision is explained in one sentence with its figures, the same everywhere",
  begin: (broken) => (fact) => {
    if (fact.kind === "appended") {
      for (const { event } of fact.events) {
        for (const problem of problemsOf(event)) broken(`Release ${fact.release}, ${event.type}: ${problem}`);
      }
    }
    if (fact.kind === "status") {
      const { hold, sentence, release, state, rollback } = fact.status;
      if (sentence.trim() === "") broken(`Release ${release} says nothing of where it stands.`);
      if (
        hold !== null &&
        fact.status.paused === null &&
        state !== "failed" &&
        rollback === null &&
        !sentence.includes(hold.sentence)
      )
        broken(`Release ${release} is held because "${hold.sentence}" and says "${sentence}".`);
      if (state === "rolled-back" && rollback !== null && !sentence.includes(rollback.sentence))
        broken(`Release ${release} was rolled back because "${rollback.sentence}" and says "${sentence}".`);
    }
  },
};

function problemsOf(event: ReleaseEvent): readonly string[] {
  const problems: string[] = [];
  const say = (sentence: string): void => {
    if (sentence.trim().length < 5 || /undefined|NaN|\[object/.test(sentence)) problems.push(`it says "${sentence}"`);
  };
  const because = "because" in event ? event.because : null;
  if (because !== null) {
    say(because.sentence);
    if (
      because.kind === "guard" &&
      because.verdict !== undefined &&
      !because.sentence.includes(because.verdict.sentence)
    )
      problems.push("its sentence is not its verdict's");
  }
  if ("sentence" in event) say(event.sentence);
  if (event.type === "verdict-changed") {
    const { verdict, figures, sentence } = event.verdict;
    say(sentence);
    // A latency alone says nothing; a rate without its counts neither.
    if (
      (verdict === "fail" || verdict === "pass") &&
      figures.k !== undefined &&
      !sentence.includes(`${formatCount(figures.k)}/${formatCount(figures.n)}`)
    )
      problems.push(`no figures in "${sentence}"`);
  }
  return problems;
}
