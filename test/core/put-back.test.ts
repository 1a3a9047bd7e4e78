import { equal } from "node:assert/strict";
import { describe, it } from "node:test";
import { hadVisitors, putBackBefore, putBackSentence } from "../../src/core/command/put-back.ts";
import type { Release } from "../../src/core/release/release.ts";
import { USUAL } from "../support/plans.ts";
import { PureWorld } from "../support/pure-world.ts";

/** A release of v2 that was rolled back by a person, from the share that it had then. */
function putBack(id: number, from: "start" | "5%"): Release {
  const world = new PureWorld(USUAL);
  if (from === "5%") world.settle();
  world.ask({ kind: "rollback" });
  world.settle();
  equal(world.release.state, "rolled-back");
  return { ...world.release, id };
}

describe("a version that was put back", () => {
  it("is known by the newest release of it", () => {
    const bad = putBack(41, "5%");
    const { version } = bad.candidate;
    equal(putBackBefore([bad], version), bad);
    equal(putBackBefore([bad], "another"), null);
    equal(putBackBefore([{ ...bad, id: 42, state: "closed", undo: null }, bad], version), null, "it went well since");
    equal(putBackBefore([bad, { ...bad, id: 40, state: "closed", undo: null }], version), bad);
    equal(putBackBefore([], version), null);
  });

  it("is not judged by a newer release that took its place", () => {
    const bad = putBack(41, "5%");
    const superseded = { ...bad, undo: { ...bad.undo!, because: { kind: "superseded" as const, sentence: "" } } };
    equal(putBackBefore([superseded], bad.candidate.version), null);
  });

  it("is told with its release, the share that it had, and why", () => {
    const seen = putBack(41, "5%");
    equal(hadVisitors(seen), true);
    equal(
      putBackSentence(seen),
      `Release 41 put ${seen.candidate.label} back at 5%: Rolled back by bob, who gave no reason.`,
    );
    const unseen = putBack(7, "start");
    equal(hadVisitors(unseen), false);
    equal(
      putBackSentence(unseen),
      `Release 7 put ${unseen.candidate.label} back before it had a visitor: Rolled back by bob, who gave no reason.`,
    );
  });
});
