import { isDeepStrictEqual } from "node:util";
import { replay } from "../../../src/core/release/evolve.ts";
import { type Status, statusOf } from "../../../src/core/status/status.ts";
import type { StoredEvent } from "../../../src/ports/journal.ts";
import type { Rule } from "./rule.ts";

/** I5: what whoever acts says of a release, against what the journal alone says of it. */
export const replays: Rule = {
  name: "I5",
  sentence: "Replaying the journal gives the live state",
  begin: (broken) => {
    const journal = new Map<number, StoredEvent[]>();
    return (fact) => {
      if (fact.kind === "appended") {
        const before = journal.get(fact.release) ?? [];
        journal.set(fact.release, [...before, ...fact.events]);
        return;
      }
      if (fact.kind !== "status") return;
      const release = replay(journal.get(fact.status.release) ?? []);
      if (release === null)
        return broken(`Engine ${fact.by} tells of release ${fact.status.release}, which the journal does not know.`);
      const told = withoutTime(fact.status);
      const written = withoutTime(statusOf(release, { wall: fact.wall, watched: release.lastAt.watched }, null));
      if (isDeepStrictEqual(told, written)) return;
      const key = Object.keys(told).find((name) => !isDeepStrictEqual(told[name], written[name])) ?? "";
      broken(
        `Release ${fact.status.release}: the engine says ${key} ${JSON.stringify(told[key])}, the journal ${JSON.stringify(written[key])}.`,
      );
    };
  },
};

/** What does not change by itself while time goes by. */
function withoutTime({
  state,
  stable,
  candidate,
  by,
  plannedAtMs,
  startedAtMs,
  liveAtMs,
  endedAtMs,
  sharePercent,
  steps,
  hold,
  paused,
  rollback,
  rollbackWould,
}: Status): Record<string, unknown> {
  return {
    state,
    stable,
    candidate,
    by,
    plannedAtMs,
    startedAtMs,
    liveAtMs,
    endedAtMs,
    sharePercent,
    steps: steps.map(({ id, state: is, attempt, sentence }) => ({ id, is, attempt, sentence })),
    // Its sentence has the figures of now where an engine watches.
    hold: hold === null ? null : { ...hold, sentence: "" },
    paused,
    rollback,
    rollbackWould,
  };
}
