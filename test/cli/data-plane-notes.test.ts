import { deepEqual } from "node:assert/strict";
import { it } from "node:test";
import { dataPlaneNotes } from "../../src/cli/render/data-plane.ts";
import type { LostRequests, TrafficState } from "../../src/core/traffic/routing.ts";
import { SECOND } from "../../src/core/time/time.ts";

const NOW = 100 * SECOND;

function notes(...lost: readonly Partial<LostRequests>[]): readonly string[] {
  const all = lost.map((each, index) => ({
    proxy: String(index),
    pid: index,
    at: NOW - 5 * SECOND,
    requests: {},
    webSockets: 0,
    connections: 1,
    ...each,
  }));
  return dataPlaneNotes({ lost: all } as unknown as TrafficState, 0, NOW);
}

it("a killed data plane is said to have lost what was in flight, and nothing where connections only lay open", () => {
  deepEqual(notes(), []);
  deepEqual(notes({}), [
    "A process of the data plane ended 5s ago with nothing in flight: no request that it had was lost, and 1 open connection was closed.",
  ]);
  deepEqual(notes({ requests: { v1: 2, v2: 1 }, connections: 9 }), [
    "A process of the data plane ended 5s ago with 3 requests in flight on 9 open connections: lost, and counted against no version.",
  ]);
  deepEqual(notes({ webSockets: 1 }, { connections: 2 }), [
    "2 processes of the data plane ended, the last 5s ago with 1 WebSocket in flight on 3 open connections: lost, and counted against no version.",
  ]);
});
