import { SECOND } from "../../../src/core/time/time.ts";
import type { Fact } from "../fact.ts";
import { type Ledger, readInto } from "./ledger.ts";
import type { Rule } from "./rule.ts";

/** Looks further apart than this are no watching: as the engine's own longest gap. */
const LONGEST_GAP_MS = 3 * SECOND;
/** Rounding, and the turn between a look and what is appended after it. */
const SLACK_MS = 1_500;

/** What only an engine that looks around brings about. */
const LOOKS: ReadonlySet<Fact["kind"]> = new Set(["read", "probed", "observed", "appended", "refused"]);

/** `for` counts watched time: by the looks that engines really took at the data plane. */
export const watchedTime: Rule = {
  name: "time",
  sentence: "A step is held for as long as the plan says, watched all the time",
  begin: (broken) => {
    const ledger: Ledger = new Map();
    let watched = 0;
    let acting = 0;
    let lastAt = Number.NEGATIVE_INFINITY;
    /** By release: how much had been watched when the share of its step was confirmed. */
    const since = new Map<number, { step: string; watched: number }>();
    return (fact) => {
      readInto(ledger, fact);
      if (fact.kind === "acting") {
        acting = fact.by;
        lastAt = fact.at;
      }
      if ("by" in fact && fact.by === acting && LOOKS.has(fact.kind)) {
        if (fact.at - lastAt <= LONGEST_GAP_MS) watched += fact.at - lastAt;
        lastAt = fact.at;
      }
      if (fact.kind !== "appended") return;
      const entry = ledger.get(fact.release);
      if (entry === undefined) return;
      for (const { event } of fact.events) {
        if (event.type === "step-started") since.set(fact.release, { step: event.step, watched });
        if (event.type === "stepped-back") since.set(fact.release, { step: event.to, watched });
        if (event.type !== "step-passed" || event.because.kind === "person") continue;
        const step = entry.planned.plan.steps.find(({ id }) => id === event.step);
        const began = since.get(fact.release);
        if (step?.kind !== "shift" || began?.step !== event.step) continue;
        const least = step.hold.kind === "for" ? step.hold.ms : step.hold.atLeastMs;
        if (watched - began.watched + SLACK_MS < least)
          broken(
            `Release ${fact.release}: "${step.name}" was to be held for ${least} ms, and was watched for ${Math.round(watched - began.watched)} ms.`,
          );
      }
    };
  },
};
