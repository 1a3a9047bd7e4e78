import type { Slot } from "../../../src/core/observation.ts";
import type { RoutingTable } from "../../../src/core/traffic/routing.ts";
import type { Placed } from "../../../src/core/release/event.ts";
import { type Ledger, readInto } from "./ledger.ts";
import type { Rule } from "./rule.ts";

/** Whoever acts looks at the data plane at least this often. */
const BETWEEN_LOOKS_MS = 1_500;

/** When all is over, the world is as the journal says. */
export const endState: Rule = {
  name: "end",
  sentence: "In the end what serves, what runs and what the journal says are the same",
  begin: (broken) => {
    const ledger: Ledger = new Map();
    let table: RoutingTable | null = null;
    /** What serves by the journal: of what ended or went live last. */
    let serving: Placed | null = null;
    const living = new Map<string, { version: string; service: string; slot: Slot }>();
    /** When somebody changed the table, as long as no engine was told since what is in force. */
    let unseenSince: number | null = null;
    /** The release had ended by then: as if it had been changed a moment later, when nobody watches any more. */
    let isNobodys = false;
    return (fact) => {
      readInto(ledger, fact);
      if (fact.kind === "read" && fact.answers) unseenSince = null;
      if (fact.kind === "table") {
        table = fact.table;
        unseenSince = fact.by === "somebody" ? fact.at : null;
        isNobodys = false;
      }
      if (fact.kind === "appended" && fact.events.some(({ event }) => event.type === "closed"))
        isNobodys = unseenSince !== null && fact.at - unseenSince <= BETWEEN_LOOKS_MS;
      if (fact.kind === "instance") {
        if (fact.what === "stopped") living.delete(fact.id);
        else living.set(fact.id, fact);
      }
      if (fact.kind === "appended") {
        const planned = ledger.get(fact.release)?.planned;
        for (const { event } of fact.events) {
          if (event.type === "went-live") serving = planned?.candidate ?? null;
          if (event.type === "rolled-back") serving = planned?.stable ?? null;
        }
      }
      if (fact.kind !== "ended" || !fact.quiet) return;
      const newest = [...ledger.keys()].sort((a, b) => b - a)[0];
      const entry = newest === undefined ? undefined : ledger.get(newest);
      if (entry === undefined) return;
      const { planned, state } = entry;
      const isRouted = planned.plan.services.some(({ routes }) => routes.length > 0);
      if (isRouted && !isNobodys) {
        const all =
          table === null
            ? null
            : table.candidate !== null && table.share === 10_000
              ? table.candidate.version
              : table.candidate === null || table.share === 0
                ? (table.stable?.version ?? null)
                : "a mix";
        if (all !== (serving?.version ?? null) && !(serving === null && table === null))
          broken(
            `Release ${newest} is ${state}: ${serving?.version ?? "nothing"} should serve, and ${all ?? "nothing"} does.`,
          );
      }
      for (const service of planned.plan.services) {
        const placed: Placed | null = serving;
        if (placed === null || placed.adopted !== undefined) continue;
        const count = [...living.values()].filter(
          (each) => each.version === placed.version && each.slot === placed.slot && each.service === service.name,
        ).length;
        if (count !== service.replicas)
          broken(`${count} of ${service.replicas} instances of ${service.name} ${placed.version} run in the end.`);
      }
      const standby = state === "closed" && !entry.standbyRetired ? planned.stable : null;
      for (const [id, { version, slot }] of living)
        if (slot === "twin" || (version !== serving?.version && version !== standby?.version))
          broken(`${id} still runs in the end.`);
    };
  },
};
