import type { Effect } from "../../../src/core/release/effect.ts";
import { isDeepStrictEqual } from "node:util";
import type { RoutingTable } from "../../../src/core/traffic/routing.ts";
import { WHOLE } from "../../../src/core/traffic/share.ts";
import { type Asked, type Ledger, readInto } from "./ledger.ts";
import type { Rule } from "./rule.ts";

/** What is done outside must be found in the journal, asked for and not yet over, at the moment at which it is done. */
export const intentFirst: Rule = {
  name: "intent",
  sentence: "Nothing is done outside before its intent is in the journal",
  begin: (broken) => {
    const ledger: Ledger = new Map();
    /** What went before the journal, and what of it that has been told. */
    const early = new Set<string>();
    const told = new Set<string>();
    const isAsked = (release: number | null, fits: (effect: Effect) => boolean): boolean => {
      const entries = release === null ? [...ledger.values()] : [ledger.get(release)];
      return entries.some((entry) =>
        [...(entry?.effects.values() ?? [])].some((asked: Asked) => asked.state !== "confirmed" && fits(asked.effect)),
      );
    };
    return (fact) => {
      readInto(ledger, fact);
      if (fact.kind === "appended")
        for (const { event } of fact.events) if (event.type === "emergency-noted-late") told.add(event.emergency.id);
      if (fact.kind === "ended" && fact.quiet)
        for (const id of early) if (!told.has(id)) broken(`What went before the journal (${id}) is in none.`);
      if (fact.kind === "instance" && typeof fact.by === "number") {
        const { version, slot, service, what } = fact;
        const kind = what === "started" ? "start" : what === "stopping" ? "stop" : null;
        if (kind === null) return;
        if (
          !isAsked(
            null,
            (effect) =>
              effect.kind === kind &&
              effect.version === version &&
              effect.slot === slot &&
              effect.services.includes(service),
          )
        )
          broken(`${fact.id} is ${what}, and nothing in the journal asks for it.`);
      }
      if (
        fact.kind === "command" &&
        fact.what === "begun" &&
        !isAsked(fact.release, (effect) => effect.kind === "command" && effect.command === fact.command)
      )
        broken(`"${fact.command}" is run, and nothing in the journal asks for it.`);
      if (
        fact.kind === "message" &&
        fact.topic !== "announcement" &&
        !isAsked(fact.release, (effect) => effect.kind === "notify") &&
        !fact.sentence.includes("answer as ready")
      )
        broken(`People are told "${fact.sentence}", and nothing in the journal asks for it.`);
      if (fact.kind === "table" && typeof fact.by === "number") {
        const { table, before } = fact;
        if (table.emergency !== undefined) early.add(table.emergency.id);
        if (before !== null && isDeepStrictEqual(weightsOf(table), weightsOf(before))) return;
        // The safe direction may go first, and is told later.
        if (table.emergency !== undefined && table.share === 0) return;
        const fits = (effect: Effect): boolean =>
          (effect.kind === "share" && effect.share === table.share) ||
          (effect.kind === "settle" && table.candidate === null) ||
          (effect.kind === "start" && table.share === 0) ||
          // Whoever drains sends nobody there, whatever somebody else has made of the share.
          (effect.kind === "stop" && effect.drain && table.share === 0);
        if (!isAsked(table.release, fits))
          broken(
            `Revision ${table.revision} gives ${table.share / 100}% to ${table.candidate?.version ?? "nobody"}, and nothing in the journal asks for it.`,
          );
      }
    };
  },
};

/** Which version gets how much, whatever side of the table it is on. */
function weightsOf({ stable, candidate, share }: RoutingTable): Readonly<Record<string, number>> {
  const weights: Record<string, number> = {};
  if (stable !== null && share < WHOLE) weights[stable.version] = WHOLE - share;
  if (candidate !== null && share > 0) weights[candidate.version] = share;
  return weights;
}
