import { SECOND } from "../../../src/core/time/time.ts";
import { type Ledger, readInto } from "./ledger.ts";
import type { Rule } from "./rule.ts";

/** Whatever an engine begins has ended after this long, in a world whose plans count in seconds. */
const LONGEST_MS = 35 * SECOND;

/** A person could get a release out of such a hang: that it comes to rest in the end proves nothing. */
export const outcomes: Rule = {
  name: "outcome",
  sentence: "Whatever was begun ends, and the journal is told how",
  begin: (broken) => {
    const ledger: Ledger = new Map();
    const said = new Set<string>();
    /** Since when one engine has acted, and nothing was in its way. */
    let easySince = Number.POSITIVE_INFINITY;
    return (fact) => {
      readInto(ledger, fact);
      if (fact.kind === "healed" || (fact.kind === "acting" && easySince !== Number.POSITIVE_INFINITY))
        easySince = fact.at;
      if (fact.kind !== "status") return;
      for (const [release, { effects }] of ledger) {
        for (const [key, { state, askedAt, epoch }] of effects) {
          if (state !== "open" || epoch !== ledger.get(release)?.epoch || said.has(key)) continue;
          if (fact.at - Math.max(askedAt, easySince) <= LONGEST_MS) continue;
          said.add(key);
          broken(
            `${key} was asked for ${Math.round((fact.at - askedAt) / 1_000)} s ago, and nobody knows what became of it.`,
          );
        }
      }
    };
  },
};
