import { deepEqual, equal } from "node:assert/strict";
import { describe, it } from "node:test";
import * as fc from "fast-check";
import type { Look } from "../../../src/core/analysis/look.ts";
import { addClosed, type StepSums } from "../../../src/core/analysis/windows/step-sums.ts";
import { sumWindow } from "../../../src/core/analysis/windows/window.ts";
import type { SecondRow } from "../../../src/core/observation.ts";
import { look as lookAt } from "./support/watched-seconds.ts";

describe("the figures of a step", () => {
  it("are the same added up look by look as all at once, whenever it was looked", () => {
    const seconds = fc.uniqueArray(
      fc.record({ second: fc.integer({ min: 0, max: 40 }), of: fc.constantFrom("v1", "v2") }),
      {
        selector: ({ second, of }) => `${second}${of}`,
      },
    );
    const looks = fc.uniqueArray(fc.integer({ min: 0, max: 45 })).map((all) => all.sort((a, b) => a - b));
    fc.assert(
      fc.property(seconds, looks, (some, moments) => {
        const rows = some.map(({ second, of }) => row(second, of));
        let sums: StepSums | null = null;
        for (const to of moments) sums = addClosed(sums, look(rows, 5, to));
        const last = moments.at(-1) ?? 0;
        const { candidate, stable } = sums ?? {
          candidate: sumWindow([], "v2", 0, 0),
          stable: sumWindow([], "v1", 0, 0),
        };
        deepEqual(candidate, sumWindow(rows, "v2", 5, last));
        deepEqual(stable, sumWindow(rows, "v1", 5, last));
      }),
    );
  });

  it("go on when the oldest seconds are no longer kept", () => {
    const rows = [1, 2, 3].map((second) => row(second, "v2"));
    const before = addClosed(null, look(rows, 1, 3));
    const after = addClosed(before, look([row(4, "v2")], 1, 4));
    equal(after?.candidate.requests, 1 + 2 + 3 + 4);
  });
});

/** As many requests as its second's number, half of them bad. */
function row(second: number, version: string): SecondRow {
  const server = Math.floor(second / 2);
  return {
    second,
    version,
    requests: second,
    status: { ok: second - server, redirect: 0, client: 0, server, failed: 0 },
    latency: { [100 + second]: second },
    webSockets: { opened: second, failed: server },
    worst: [],
    mixed: second % 7 === 0,
  };
}

function look(rows: readonly SecondRow[], fromSecond: number, toSecond: number): Look {
  return lookAt([], rows, { fromSecond, toSecond });
}
