import { equal } from "node:assert/strict";
import { describe, it } from "node:test";
import type { Placed } from "../../src/core/release/event.ts";
import type { Release, ReleaseState } from "../../src/core/release/release.ts";
import { placeBefore } from "../../src/engine/start-release.ts";
import { USUAL } from "../support/plans.ts";
import { PureWorld } from "../support/pure-world.ts";

const placed = (version: string, slot: Placed["slot"]): Placed => ({ version, label: version, slot });
const V1 = placed("v1", "blue");
const V2 = placed("v2", "green");
const V3 = placed("v3", "blue");

function release(stable: Placed | null, candidate: Placed, state: ReleaseState): Release {
  return { ...new PureWorld(USUAL).release, stable, candidate, state };
}

describe("what serves by the journal", () => {
  it("is nothing before the first release, and the version of the newest that held the place", () => {
    equal(placeBefore([]), null);
    equal(placeBefore([release(V1, V2, "live"), release(null, V1, "closed")]), V2);
    equal(placeBefore([release(null, V1, "rolled-back")]), null);
  });

  it("is what the newest one that was put back went back to", () => {
    equal(placeBefore([release(V2, V3, "rolled-back"), release(V1, V2, "live"), release(null, V1, "closed")]), V2);
  });

  it("is the version before that, when the one that it went back to was put back as well", () => {
    const all = [release(V2, V3, "rolled-back"), release(V1, V2, "rolled-back"), release(null, V1, "closed")];
    equal(placeBefore(all), V1);
    equal(placeBefore([release(V1, V2, "rolled-back"), release(null, V1, "rolled-back")]), null);
  });

  it("does not take an older release that was put back for the one that brought what serves", () => {
    const all = [release(V1, V3, "rolled-back"), release(V1, V2, "rolled-back"), release(null, V1, "closed")];
    equal(placeBefore(all), V1);
  });
});
