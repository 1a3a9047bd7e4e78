import { type Ledger, readInto } from "./ledger.ts";
import type { Rule } from "./rule.ts";

/** I6, and what it is for: nobody runs on a schema that lacks what he needs. */
export const schema: Rule = {
  name: "I6",
  sentence: "Nothing is taken from the schema that a version which serves or stands by needs",
  begin: (broken) => {
    const ledger: Ledger = new Map();
    /** Releases after their point of no return. */
    const contracted = new Set<number>();
    /** Releases whose schema was looked at in their rollback. */
    const back = new Set<number>();
    const changed = new Set<number>();
    const living = new Map<string, string>();

    return (fact) => {
      readInto(ledger, fact);
      if (fact.kind === "instance") {
        if (fact.what === "started" || fact.what === "adopted") living.set(fact.id, fact.version);
        if (fact.what === "stopped") living.delete(fact.id);
      }
      if (fact.kind === "schema") {
        const entry = ledger.get(fact.release);
        if (fact.what === "back") back.add(fact.release);
        else changed.add(fact.release);
        if (fact.what === "back" && contracted.has(fact.release))
          broken(`Release ${fact.release} takes its schema back after its point of no return.`);
        const stable = entry?.planned.stable?.version;
        if (fact.what !== "contract" || entry === undefined || stable === undefined) return;
        contracted.add(fact.release);
        if (!entry.standbyRetired) broken(`Release ${fact.release} contracts, and ${stable} is not retired.`);
        const others = [...ledger].filter(([id, { state }]) => id > fact.release && state === "running");
        if (others.length === 0 && [...living.values()].includes(stable))
          broken(`Release ${fact.release} contracts, and an instance of ${stable} runs.`);
      }
      if (fact.kind !== "appended") return;
      for (const { event } of fact.events) {
        if (
          event.type === "rollback-decided" &&
          contracted.has(fact.release) &&
          ledger.get(fact.release)?.planned.stable
        )
          broken(`Release ${fact.release} goes back to what its contract step has taken away.`);
        if (event.type !== "rolled-back" || !changed.has(fact.release) || back.has(fact.release)) continue;
        const asked = [...(ledger.get(fact.release)?.effects.values() ?? [])];
        if (!asked.some(({ effect, state }) => effect.kind === "migrate-back" && state === "failed"))
          broken(`Release ${fact.release} is rolled back, and nobody has looked at its schema.`);
      }
    };
  },
};
