import { deepEqual, equal, match } from "node:assert/strict";
import { describe, it } from "node:test";
import { wayFurther } from "../../src/core/command/what-serves.ts";
import { evolve, replay } from "../../src/core/release/evolve.ts";
import type { Release } from "../../src/core/release/release.ts";
import { planOf, step } from "../support/plans.ts";

const AT = { wall: 1_700_000_000_000, watched: 0 };

function release(id: number, stable: string | null, candidate: string, adopted?: string): Release {
  const placed = (version: string) => ({ version, label: version, slot: "blue" as const });
  const planned = {
    type: "planned" as const,
    release: id,
    app: "shop",
    environment: "production",
    stable: stable === null ? null : { ...placed(stable), ...(adopted === undefined ? {} : { adopted }) },
    candidate: placed(candidate),
    offset: 0,
    plan: planOf([step.start(), step.shift(100, 1_000)]),
    planHash: "cafe",
    by: "ann",
  };
  const live = replay([
    { event: planned, at: AT },
    { event: { type: "started" }, at: AT },
    { event: { type: "closed" }, at: AT },
  ]);
  return live as Release;
}

function rolledBack(before: Release): Release {
  const because = { kind: "person" as const, sentence: "Rolled back by ann." };
  const decided = evolve(before, { event: { type: "rollback-decided", because, by: "ann" }, at: AT });
  return evolve(decided, { event: { type: "rolled-back", sentence: "100% on v1, read back." }, at: AT });
}

describe("the way further back, for who is told that a release was put back already", () => {
  const [first, second] = [release(1, null, "v1"), release(2, "v1", "v2")];
  const put = rolledBack(release(3, "v2", "v3"));

  it("is the rollback of the release that brought what serves, with what that does", () => {
    const found = wayFurther([put, second, first], "v2", true);
    deepEqual([found.release, found.command], [2, "tidegate rollback 2"]);
    match(
      found.sentence,
      /^v2 of release 2 serves now\. To go back from that too: tidegate rollback 2\. Puts 100% back/,
    );
  });

  it("is a release where nothing runs any more, and none where nothing served", () => {
    equal(wayFurther([put, second, first], "v2", false).command, "tidegate release v2");
    deepEqual(wayFurther([rolledBack(first)], null, false), {
      release: null,
      sentence: "Nothing serves now.",
      command: null,
    });
  });

  it("names no command that would be refused: what was taken over and retired can't be started again", () => {
    const retired = { ...release(2, "old", "v2", "127.0.0.1:3000"), begun: { ...second.begun, standbyStop: true } };
    const found = wayFurther([put, retired], "v2", true);
    equal(found.command, null);
    match(found.sentence, /^v2 of release 2 serves now\. Not possible: old was retired/);
    match(wayFurther([put], "v2", true).sentence, /no release that is known here brought/);
  });
});
