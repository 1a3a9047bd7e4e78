import { equal } from "node:assert/strict";
import { it } from "node:test";
import { routingTable } from "../../src/core/table.ts";
import type { TrafficState } from "../../src/core/routing.ts";
import { createWorld } from "../../src/engine/world.ts";
import { engineUnderTest } from "../support/engine-under-test.ts";
import { USUAL } from "../support/plans.ts";
import { PureWorld } from "../support/pure-world.ts";

it("a look at the data plane that began before a write does not undo what the write told", async () => {
  const { ports } = engineUnderTest();
  const { release } = new PureWorld(USUAL);
  const base = { release, on: "both", instances: [], draining: new Set<string>(), epoch: 1, engineToken: "" } as const;
  await ports.traffic.ensure([]);
  await ports.traffic.write(routingTable({ ...base, share: 0, revision: 1 }), 0);
  let answer: ((state: TrafficState | null) => void) | undefined;
  const before = await ports.traffic.read();
  const traffic = { ...ports.traffic, read: () => new Promise<TrafficState | null>((resolve) => (answer = resolve)) };
  const world = createWorld({ ...ports, traffic }, () => undefined);
  const first = world.look([]);
  answer?.(before);
  await first;
  equal(world.traffic()?.table?.share, 0);
  const late = world.look([]);
  const readLate = answer;
  await world.changeTable(
    (_, revision) => routingTable({ ...base, share: 500, revision }),
    new AbortController().signal,
  );
  equal(world.traffic()?.table?.share, 500);
  readLate?.(before);
  await late;
  equal(world.traffic()?.table?.share, 500);
});
