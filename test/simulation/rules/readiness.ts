import { SECOND } from "../../../src/core/time/time.ts";
import type { RoutingTable } from "../../../src/core/traffic/routing.ts";
import { twinShare } from "../../../src/core/traffic/share.ts";
import { type Ledger, readInto } from "./ledger.ts";
import type { Rule } from "./rule.ts";

const JUST_BEGUN_MS = 5 * SECOND;
/** From the decision until a slow journal has it. */
const SLACK_MS = 2 * SECOND;

/** I1, by the probes' own answers: what an engine was told, not what it made of it. */
export const readiness: Rule = {
  name: "I1",
  sentence: "No weight on an instance not seen ready within its own health window",
  begin: (broken) => {
    const ledger: Ledger = new Map();
    /** By instance: the newest good answer, and of which process. */
    const good = new Map<string, { pid: number; at: number }>();
    /** By instance: its process, and since when. */
    const processes = new Map<string, { pid: number; since: number }>();

    const weighs = (table: RoutingTable | null): number => table?.share ?? 0;
    const weighsTwin = (table: RoutingTable | null): number => (table?.twin === undefined ? 0 : twinShare(table.share));

    return (fact) => {
      readInto(ledger, fact);
      if (fact.kind === "probed" && fact.ok) good.set(fact.instance, { pid: fact.pid, at: fact.at });
      if (fact.kind === "instance" && processes.get(fact.id)?.pid !== fact.pid)
        processes.set(fact.id, { pid: fact.pid, since: fact.at });
      if (fact.kind !== "table" || typeof fact.by !== "number") return;
      const { table, before } = fact;
      const { candidate, twin } = table;
      if (candidate === null) return;
      const isMore = weighs(table) > weighs(before) || before?.candidate?.version !== candidate.version;
      const isMoreForTwin = twin !== undefined && weighsTwin(table) > weighsTwin(before);
      const more = [...(isMore && table.share > 0 ? [candidate] : []), ...(isMoreForTwin ? [twin] : [])];
      if (more.length === 0) return;
      const entry = ledger.get(table.release);
      if (entry === undefined) return broken(`A table of release ${table.release}, which the journal does not know.`);
      const decidedAt = Math.max(
        ...[...entry.effects.values()]
          .filter(({ effect }) => effect.kind === "share" && effect.share === table.share)
          .map(({ askedAt }) => askedAt),
        Number.NEGATIVE_INFINITY,
      );
      for (const { service, version, instances } of more.flatMap((backend) =>
        entry.planned.plan.services.map((service) => ({ ...backend, service })),
      )) {
        if (service.routes.length === 0) continue;
        const mine = instances.filter((each) => each.service === service.name && !each.draining);
        if (mine.length === 0)
          broken(`${table.share / 100}% for ${version}, and no instance of ${service.name} is in the table.`);
        const windowMs =
          service.health === undefined
            ? 5 * SECOND
            : service.health.fall * service.health.everyMs + service.health.timeoutMs;
        for (const { id } of mine) {
          const seen = good.get(id);
          const process = processes.get(id);
          // A process that has only just begun nobody can have seen yet.
          const isOther =
            process !== undefined && seen?.pid !== process.pid && decidedAt - process.since > JUST_BEGUN_MS;
          if (seen !== undefined && isOther)
            broken(`${table.share / 100}% with ${id}, whose new process was never seen ready.`);
          if (seen === undefined) broken(`${table.share / 100}% with ${id}, which never answered that it is ready.`);
          else if (decidedAt - seen.at > windowMs + SLACK_MS)
            broken(
              `${table.share / 100}% with ${id}, last seen ready ${decidedAt - seen.at} ms before that was decided.`,
            );
        }
      }
    };
  },
};
