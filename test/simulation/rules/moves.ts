import { evolve } from "../../../src/core/release/evolve.ts";
import type { Release } from "../../../src/core/release/release.ts";
import { isKnownMove, stateOf } from "../coverage.ts";
import type { Rule } from "./rule.ts";

/** The states of a release, and the ways between them that there are. */
export const moves: Rule = {
  name: "moves",
  sentence: "A release goes from state to state only as it should, and ended ones stay as they are",
  begin: (broken) => {
    const releases = new Map<number, Release>();
    return (fact) => {
      if (fact.kind !== "appended") return;
      for (const stored of fact.events) {
        const before = releases.get(fact.release) ?? null;
        const after = evolve(before, stored);
        releases.set(fact.release, after);
        const [from, to] = [before === null ? "nothing" : stateOf(before), stateOf(after)];
        if (from !== to && !isKnownMove(from, to))
          broken(`Release ${fact.release} went from ${from} to ${to} by ${stored.event.type}.`);
      }
    };
  },
};
