import { type Ledger, readInto } from "./ledger.ts";
import type { Rule } from "./rule.ts";

/** I3, by processes and not by epochs: an epoch is the means, not what is promised. */
export const oneActs: Rule = {
  name: "I3",
  sentence: "One running release per app and environment; two engines can't both act",
  begin: (broken) => {
    const ledger: Ledger = new Map();
    /** In the order in which they began to act. */
    const acted: number[] = [];
    let epoch = 0;
    /** Engines whose claim could not reach the plane: there the one before is still the newest. */
    const unheard = new Set<number>();
    /** Engines that have stopped acting: what of them arrives still was sent before. */
    const ended = new Set<number>();

    const isOver = (by: unknown): by is number => typeof by === "number" && by !== acted.at(-1) && acted.includes(by);

    return (fact) => {
      if (fact.kind === "acting") {
        if (fact.epoch <= epoch) broken(`Engine ${fact.by} acts with epoch ${fact.epoch} after ${epoch}.`);
        acted.push(fact.by);
        epoch = Math.max(epoch, fact.epoch);
      }
      if (fact.kind === "refused" && fact.method === "plane.claim") unheard.add(fact.by);
      if (fact.kind === "claimed" && fact.place === "plane") unheard.delete(fact.by);
      if (fact.kind === "process" && ["fenced", "killed", "disposed"].includes(fact.what)) ended.add(fact.by);
      // What was under way to a plane that nobody could tell of the new epoch, nobody can call back.
      const isLate = (by: number): boolean => ended.has(by) && unheard.has(acted.at(-1) ?? 0);
      if (fact.kind === "table" && isOver(fact.by) && !isLate(fact.by))
        broken(`Engine ${fact.by} wrote a table after engine ${acted.at(-1) ?? 0} took over.`);
      if (fact.kind === "instance" && isOver(fact.by) && (fact.what === "started" || fact.what === "stopping"))
        broken(`Engine ${fact.by} had ${fact.id} ${fact.what} after engine ${acted.at(-1) ?? 0} took over.`);
      if (fact.kind === "renewed" && isOver(fact.by) && !unheard.has(acted.at(-1) ?? 0))
        broken(`Engine ${fact.by} renewed the lease after engine ${acted.at(-1) ?? 0} took over.`);
      if (fact.kind === "answered" && isOver(fact.by))
        broken(`Engine ${fact.by} answered a request after engine ${acted.at(-1) ?? 0} took over.`);
      if (fact.kind === "appended") {
        if (isOver(fact.by))
          broken(`Engine ${fact.by} appended to release ${fact.release} after engine ${acted.at(-1) ?? 0} took over.`);
        for (const { event } of fact.events) {
          if (event.type !== "planned") continue;
          for (const [id, { planned, state }] of ledger)
            if (
              planned.app === event.app &&
              planned.environment === event.environment &&
              (state === "running" || state === "undoing" || state === "failed")
            )
              broken(`Release ${fact.release} began while release ${id} is ${state}.`);
        }
      }
      readInto(ledger, fact);
    };
  },
};
