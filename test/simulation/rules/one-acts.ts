import { type Ledger, readInto } from "./ledger.ts";
import type { Rule } from "./rule.ts";

/** I3, by processes and not by epochs: an epoch is the means, not what is promised. */
export const oneActs: Rule = {
  name: "I3",
  sentence: "One running release per app and environment; two engines can't both act",
  begin: (broken) => {
    const ledger: Ledger = new Map();
    /** The newest process that acts, and those that acted before it. */
    let acting = 0;
    let epoch = 0;

    const isOver = (by: unknown): by is number => typeof by === "number" && by < acting;

    return (fact) => {
      if (fact.kind === "acting") {
        if (fact.epoch <= epoch) broken(`Engine ${fact.by} acts with epoch ${fact.epoch} after ${epoch}.`);
        acting = Math.max(acting, fact.by);
        epoch = Math.max(epoch, fact.epoch);
      }
      if (fact.kind === "table" && isOver(fact.by))
        broken(`Engine ${fact.by} wrote a table after engine ${acting} took over.`);
      if (fact.kind === "instance" && isOver(fact.by) && (fact.what === "started" || fact.what === "stopping"))
        broken(`Engine ${fact.by} had ${fact.id} ${fact.what} after engine ${acting} took over.`);
      if (fact.kind === "renewed" && isOver(fact.by))
        broken(`Engine ${fact.by} renewed the lease after engine ${acting} took over.`);
      if (fact.kind === "answered" && isOver(fact.by))
        broken(`Engine ${fact.by} answered a request after engine ${acting} took over.`);
      if (fact.kind === "appended") {
        if (isOver(fact.by))
          broken(`Engine ${fact.by} appended to release ${fact.release} after engine ${acting} took over.`);
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
