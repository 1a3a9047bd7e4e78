import { deepEqual, equal } from "node:assert/strict";
import { describe, it } from "node:test";
import { FaultError } from "../../src/core/fault.ts";
import type { RequestCount } from "../../src/core/rehearsal/rehearsal.ts";
import { refuseFailures } from "../../src/cli/rehearse/failures.ts";
import type { RunningRehearsal } from "../../src/cli/rehearse/running-rehearsal.ts";
import type { PartLog, RunLog } from "../../src/cli/rehearse/run-log.ts";

const part = {
  fail: (_: string, fault: ConstructorParameters<typeof FaultError>[0]) => {
    throw new FaultError(fault);
  },
} as unknown as PartLog;

/** `alone`: what was sent while the version that serves was alone. */
function refused(
  alone: RequestCount,
  all: RequestCount,
): { readonly code: string; readonly detail?: readonly string[] } | null {
  const visitors = { count: () => all, failures: () => ["GET /orders: 500, 8 times"] };
  const running = { visitors, figures: new Map([["415180e", "415180e: 45.5% of 110 requests failed"]]) };
  const log = { parts: [{ name: "stable", tookMs: 1, steps: [], requests: alone }] };
  try {
    refuseFailures(running as unknown as RunningRehearsal, log as unknown as RunLog, part);
    return null;
  } catch (error) {
    if (error instanceof FaultError) return error.fault;
    throw error;
  }
}

describe("The requests of a rehearsal", () => {
  const good = { sent: 20, failed: 0, appErrors: 0 };

  it("fail it when one of them got no answer, and when there are errors that the version that serves had not", () => {
    equal(refused(good, { sent: 100, failed: 0, appErrors: 0 }), null);
    equal(refused(good, { sent: 100, failed: 1, appErrors: 0 })?.code, "rehearsal-requests-failed");
    const errors = refused(good, { sent: 100, failed: 0, appErrors: 8 });
    equal(errors?.code, "rehearsal-errors");
    deepEqual(errors?.detail, ["415180e: 45.5% of 110 requests failed", "GET /orders: 500, 8 times"]);
  });

  it("do not fail it for errors that the version that serves has too", () => {
    equal(refused({ ...good, appErrors: 3 }, { sent: 100, failed: 0, appErrors: 12 }), null);
  });
});
