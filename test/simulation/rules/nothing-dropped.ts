import { twinShare, WHOLE } from "../../../src/core/traffic/share.ts";
import type { Backend, RoutingTable } from "../../../src/core/traffic/routing.ts";
import { type Ledger, readInto } from "./ledger.ts";
import type { Rule } from "./rule.ts";

/** What visitors would notice: traffic sent to nobody, or to something that is being stopped. */
export const nothingDropped: Rule = {
  name: "dropped",
  sentence: "Nobody's request goes to an instance that is stopped, or to a version that does not run",
  begin: (broken) => {
    let table: RoutingTable | null = null;
    let isMeddled = false;
    const living = new Set<string>();
    const ledger: Ledger = new Map();

    /** A first version that is put back leaves nothing: that is what was asked for. */
    const isLastOne = (now: RoutingTable): boolean => {
      const entry = ledger.get(now.release);
      return entry?.planned.stable === null && (entry.state === "undoing" || entry.state === "rolled-back");
    };

    const weighed = (now: RoutingTable): readonly Backend[] => [
      ...(now.stable !== null && (now.candidate === null || now.share < WHOLE) ? [now.stable] : []),
      ...(now.candidate !== null && now.share > 0 ? [now.candidate] : []),
      // One that takes no more leaves its part to stable.
      ...(now.twin !== undefined && twinShare(now.share) > 0 && !takesNoMore(now.twin) ? [now.twin] : []),
    ];

    return (fact) => {
      readInto(ledger, fact);
      if (fact.kind === "instance") {
        if (fact.what === "stopped") living.delete(fact.id);
        else if (fact.what !== "stopping") living.add(fact.id);
        if (fact.what === "stopping" && table !== null && !isMeddled && !isLastOne(table))
          for (const { instances } of weighed(table)) {
            const mine = instances.find(({ id }) => id === fact.id);
            if (mine === undefined) continue;
            const others = instances.filter(
              ({ id, service, draining }) => id !== fact.id && service === mine.service && !draining && living.has(id),
            );
            if (!mine.draining || others.length === 0) broken(`${fact.id} is stopped while it has traffic.`);
          }
      }
      if (fact.kind !== "table") return;
      table = fact.table;
      isMeddled = fact.by === "somebody";
      if (isLastOne(table)) return;
      for (const { version, instances } of weighed(table)) {
        for (const service of new Set(table.routes.map(({ service }) => service)))
          if (
            !instances.some((each) => each.service === service && !each.draining && living.has(each.id)) &&
            typeof fact.by === "number"
          )
            broken(`Revision ${table.revision} sends traffic for ${service} to ${version}, of which nothing runs.`);
      }
    };
  },
};

function takesNoMore({ instances }: Backend): boolean {
  return instances.every(({ draining }) => draining);
}
