import { WHOLE } from "../../../src/core/traffic/share.ts";
import type { RoutingTable } from "../../../src/core/traffic/routing.ts";
import { type Entry, type Ledger, readInto } from "./ledger.ts";
import type { Rule } from "./rule.ts";

/** The order of undoing (DESIGN §2): traffic, then what was changed beside, last first, then workers and the candidate. */
export const undoOrder: Rule = {
  name: "undo",
  sentence: "A rollback undoes everything, in the right order",
  begin: (broken) => {
    const ledger: Ledger = new Map();
    let table: RoutingTable | null = null;
    let isMeddled = false;
    /** Releases whose traffic was put back without asking anybody. */
    const putBack = new Set<number>();
    /** Living instances: version and service. */
    const living = new Map<string, { version: string; service: string }>();
    const undone = new Map<number, string[]>();
    /** Releases that are being rolled back and have begun to stop their candidate. */
    const stopping = new Set<number>();

    const hasTraffic = (version: string): boolean =>
      table !== null &&
      !isMeddled &&
      ((table.candidate?.version === version && table.share > 0) ||
        (table.stable?.version === version && (table.candidate === null || table.share < WHOLE)));

    const undoing = (): readonly (readonly [number, Entry])[] =>
      [...ledger].filter(([, { state }]) => state === "undoing");

    return (fact) => {
      if (fact.kind === "appended") {
        for (const { event } of fact.events)
          if (event.type === "rolled-back")
            checkCommands(fact.release, ledger.get(fact.release), undone.get(fact.release) ?? [], broken);
      }
      readInto(ledger, fact);
      if (fact.kind === "table") {
        const { emergency, release, share } = fact.table;
        if (emergency?.outcome === "put-back") putBack.add(release);
        else if (putBack.has(release) && share > 0 && typeof fact.by === "number")
          broken(`Release ${release} was put back at once, and has ${share / 100}% again.`);
        table = fact.table;
        isMeddled = fact.by === "somebody";
      }
      if (fact.kind === "command" && fact.what === "begun" && fact.command.startsWith("undo-")) {
        undone.set(fact.release, [...(undone.get(fact.release) ?? []), fact.command]);
        const entry = ledger.get(fact.release);
        if (entry !== undefined && entry.planned.stable !== null && hasTraffic(entry.planned.candidate.version))
          broken(
            `Release ${fact.release}: "${fact.command}" is run while ${entry.planned.candidate.version} has traffic.`,
          );
      }
      if (fact.kind !== "instance") return;
      if (fact.what === "started" || fact.what === "adopted") {
        living.set(fact.id, fact);
        // One that was asked for just before the decision may come yet: what has begun to stop must not.
        for (const [id, { planned }] of undoing())
          if (planned.candidate.version === fact.version && stopping.has(id) && typeof fact.by === "number")
            broken(`Release ${id} is being rolled back, and ${fact.id} is started again.`);
      }
      if (fact.what === "stopped") living.delete(fact.id);
      if (fact.what !== "stopping") return;
      for (const [id, { planned }] of undoing()) {
        if (planned.candidate.version === fact.version) stopping.add(id);
        if (planned.candidate.version !== fact.version || planned.stable === null) continue;
        if (hasTraffic(fact.version)) broken(`Release ${id}: ${fact.id} is stopped while ${fact.version} has traffic.`);
        const service = planned.plan.services.find(({ name }) => name === fact.service);
        const { version } = planned.stable;
        const stands = [...living.values()].some((each) => each.version === version && each.service === fact.service);
        if (service?.routes.length === 0 && planned.stable.adopted === undefined && !stands)
          broken(`Release ${id}: the worker ${fact.id} is stopped before one of ${version} runs.`);
      }
    };
  },
};

/** Every command that was begun and can be undone was undone, the last one first. */
function checkCommands(
  release: number,
  entry: Entry | undefined,
  undone: readonly string[],
  broken: (sentence: string) => void,
): void {
  if (entry === undefined) return;
  const asked = [...entry.effects.values()];
  const begun = asked.flatMap(({ effect, inverse, within }) =>
    within.kind === "step" && effect.kind === "command" && inverse?.kind === "command" ? [inverse.command] : [],
  );
  // One that could not be run is told, and stops nothing.
  const failed = asked.flatMap(({ effect, within, state }) =>
    within.kind === "undo" && effect.kind === "command" && state === "failed" ? [effect.command] : [],
  );
  const wanted = entry.planned.plan.steps
    .flatMap((step) => (step.kind === "run" && step.undo !== undefined ? [step.undo] : []))
    .filter((command) => begun.includes(command))
    .toReversed();
  const done = [...new Set(undone)];
  const missing = wanted.filter((command) => !done.includes(command) && !failed.includes(command));
  const inOrder = wanted.filter((command) => done.includes(command));
  if (missing.length > 0) broken(`Release ${release} is rolled back, and not undone: ${missing.join(", ")}.`);
  else if (done.join() !== inOrder.join())
    broken(`Release ${release} undid ${done.join(", ")} instead of ${inOrder.join(", ")}.`);
}
