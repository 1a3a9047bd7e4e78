import { WHOLE } from "../../../src/core/traffic/share.ts";
import { SECOND } from "../../../src/core/time/time.ts";
import type { RoutingTable } from "../../../src/core/traffic/routing.ts";
import { type Ledger, readInto } from "./ledger.ts";
import type { Rule } from "./rule.ts";

/** How much later than by the plan a share may stand: somebody has to have looked in between. */
const SLACK_MS = 2 * SECOND;

/** I11, both ways: a lease that nobody renews ends, and one that somebody watches does not. */
export const unwatched: Rule = {
  name: "I11",
  sentence:
    "A partial share that nobody watches goes back to stable, unless the plan says hold; one that is watched stays",
  begin: (broken) => {
    const ledger: Ledger = new Map();
    let table: RoutingTable | null = null;
    let isMeddled = false;
    let watchedAt = 0;
    let said = 0;
    /** Since when an engine has acted without a break, and nothing stood between it and the plane. */
    let easySince: number | null = null;
    const troubles = new Set<string>();
    const acting = new Set<number>();

    const look = (now: number): void => {
      if (acting.size === 0 || troubles.size > 0) easySince = null;
      else easySince ??= now;
    };

    return (fact) => {
      readInto(ledger, fact);
      // Whoever acts looks at everything several times a second, the data plane first.
      if ((fact.kind === "read" && fact.answers) || fact.kind === "renewed") watchedAt = fact.at;
      if (fact.kind === "trouble") {
        if (fact.begins) troubles.add(fact.what);
        else troubles.delete(fact.what);
      }
      if (fact.kind === "healed") troubles.clear();
      if (fact.kind === "acting") {
        acting.clear();
        acting.add(fact.by);
      }
      if (fact.kind === "process") {
        if (fact.what === "killed" || fact.what === "stopped" || fact.what === "disposed" || fact.what === "lost-lock")
          acting.delete(fact.by);
        if (fact.what === "resumed") easySince = null;
        if (fact.what === "lost-lock") easySince = null;
      }
      look(fact.at);
      if (fact.kind === "table") {
        if (fact.by === "lease") {
          const lease = fact.before?.lease ?? null;
          if (easySince !== null && lease !== null && fact.at - easySince > lease.unwatchedMs + SLACK_MS && !isMeddled)
            broken(
              `The plane went back to stable although engine ${[...acting].join()} watched for ${fact.at - easySince} ms.`,
            );
        }
        isMeddled = fact.by === "somebody";
        table = fact.table;
        watchedAt = fact.at;
      }
      if (table === null || isMeddled || said === table.revision) return;
      const entry = ledger.get(table.release);
      if (entry === undefined || table.share === 0 || table.share === WHOLE || table.stable === null) return;
      const { afterMs, do: what } = entry.planned.plan.unwatched;
      // Frozen: stable could not take it.
      if (table.emergency?.outcome === "frozen") return;
      if (what === "hold" || fact.at - watchedAt <= afterMs + SLACK_MS) return;
      said = table.revision;
      broken(`${table.share / 100}% stand for ${fact.at - watchedAt} ms, and nobody has looked for as long.`);
    };
  },
};
