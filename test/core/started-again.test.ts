import { equal } from "node:assert/strict";
import { describe, it } from "node:test";
import { HOUR, MINUTE, SECOND } from "../../src/core/time/time.ts";
import { USUAL } from "../support/plans.ts";
import { errorsVerdict, PureWorld } from "../support/pure-world.ts";

/** v2 at 5 % for a while; both versions run since so long before now. */
function watched(startedMsAgo: number): PureWorld {
  const world = new PureWorld(USUAL);
  world.verdicts = [errorsVerdict("pass")];
  world.settle().pass(20 * SECOND);
  for (const [id, each] of world.running) world.running.set(id, { ...each, startedAt: world.wall - startedMsAgo });
  return world;
}

describe("both versions started again while a share was watched", () => {
  it("makes the share be watched anew", () => {
    equal(
      watched(5 * SECOND)
        .settle()
        .eventsOf("share-drifted").length,
      1,
    );
    equal(watched(MINUTE).settle().eventsOf("share-drifted").length, 0);
  });

  it("is not what a clock says that was put back", () => {
    const world = watched(MINUTE);
    world.wall -= HOUR;
    world.pass(10 * SECOND);
    equal(world.eventsOf("share-drifted").length, 0);
  });

  it("after the share was given anew by such a clock either", () => {
    const world = watched(MINUTE);
    world.wall -= HOUR;
    world.share = 0;
    world.pass(30 * SECOND);
    equal(world.eventsOf("share-drifted").length, 1);
    equal(world.share, 500);
  });
});
