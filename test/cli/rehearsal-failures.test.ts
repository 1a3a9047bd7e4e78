import { deepEqual, equal, match } from "node:assert/strict";
import { describe, it } from "node:test";
import { createManualClock } from "../../src/adapters/clock/manual.ts";
import { createMemoryTraffic } from "../../src/adapters/traffic/memory.ts";
import { FaultError } from "../../src/core/fault.ts";
import type { SecondRow } from "../../src/core/observation.ts";
import type { RequestCount } from "../../src/core/rehearsal/rehearsal.ts";
import { countByVersion, type Counts } from "../../src/cli/rehearse/counted-by-version.ts";
import { refuseFailures } from "../../src/cli/rehearse/failures.ts";
import type { RunningRehearsal } from "../../src/cli/rehearse/running-rehearsal.ts";
import type { PartLog, RunLog } from "../../src/cli/rehearse/run-log.ts";

const part = {
  fail: (_: string, fault: ConstructorParameters<typeof FaultError>[0]) => {
    throw new FaultError(fault);
  },
} as unknown as PartLog;

const versions = {
  stable: { version: "4".repeat(40), label: "4444444" },
  candidate: { version: "9".repeat(40), label: "9999999" },
};
const COUNTED: Counts = new Map([
  [versions.stable.version, { requests: 110, errors: 5, failed: 1 }],
  [versions.candidate.version, { requests: 60, errors: 3, failed: 0 }],
]);

/** `alone`: what was sent while the version that serves was alone. */
async function refused(
  alone: RequestCount,
  all: RequestCount,
  counts = COUNTED,
): Promise<{
  readonly code: string;
  readonly what: string;
  readonly detail?: readonly string[];
  readonly fix?: string;
} | null> {
  const visitors = { count: () => all, failures: () => ["GET /orders: 500, 8 times"] };
  const running = { visitors, versions, counted: { whole: () => Promise.resolve(counts) } };
  const log = { parts: [{ name: "stable", tookMs: 1, steps: [], requests: alone }] };
  try {
    await refuseFailures(running as unknown as RunningRehearsal, log as unknown as RunLog, part);
    return null;
  } catch (error) {
    if (error instanceof FaultError) return error.fault;
    throw error;
  }
}

describe("The requests of a rehearsal", () => {
  const good = { sent: 20, failed: 0, appErrors: 0 };

  it("fail it when one of them got no answer, and when there are errors that the version that serves had not", async () => {
    equal(await refused(good, { sent: 100, failed: 0, appErrors: 0 }), null);
    equal((await refused(good, { sent: 100, failed: 1, appErrors: 0 }))?.code, "rehearsal-requests-failed");
    const errors = await refused(good, { sent: 100, failed: 0, appErrors: 8 });
    equal(errors?.code, "rehearsal-errors");
    deepEqual(errors?.detail, ["GET /orders: 500, 8 times"]);
  });

  it("are told with the versions that they went to, and whose logs to look into", async () => {
    const errors = await refused(good, { sent: 100, failed: 0, appErrors: 8 });
    match(
      errors?.what ?? "",
      /They went to 4444444 \(the old version, 5 of its 110 requests\) and 9999999 \(the new version, 3 of its 60 requests\)\.$/,
    );
    match(errors?.fix ?? "", /^see what the logs of 4444444 and 9999999 say/);
    const unanswered = await refused(good, { sent: 100, failed: 1, appErrors: 0 });
    match(unanswered?.what ?? "", /They went to 4444444 \(the old version, 1 of its 110 requests\)\.$/);
    match(unanswered?.fix ?? "", /^see what the logs of 4444444 say/);
    const unknown = await refused(good, { sent: 100, failed: 1, appErrors: 0 }, new Map());
    match(unknown?.what ?? "", /of the app's\.$/);
    match(unknown?.fix ?? "", /^see what the version's logs say/);
  });

  it("do not fail it for errors that the version that serves has too", async () => {
    equal(await refused({ ...good, appErrors: 3 }, { sent: 100, failed: 0, appErrors: 12 }), null);
  });
});

describe("What is counted by version", () => {
  it("is summed over all that the data plane tells, also over one that was started anew", async () => {
    const traffic = createMemoryTraffic({ clock: createManualClock(1_700_000_000_000) });
    await traffic.ensure([]);
    using counted = countByVersion(() => Promise.resolve(traffic));
    traffic.push(row("a", { server: 2 }), row("b", {}));
    equal((await counted.whole((counts) => counts.size === 2)).get("a")?.errors, 2);
    traffic.restart();
    traffic.push(row("a", { server: 1, failed: 1 }));
    const counts = await counted.whole((seen) => seen.get("a")?.failed === 1);
    deepEqual(counts.get("a"), { requests: 20, errors: 3, failed: 1 });
    deepEqual(counts.get("b"), { requests: 10, errors: 0, failed: 0 });
  });
});

function row(
  version: string,
  { server = 0, failed = 0 }: { readonly server?: number; readonly failed?: number },
): SecondRow {
  return {
    second: 1_700_000_000,
    version,
    requests: 10,
    status: { ok: 10 - server - failed, redirect: 0, client: 0, server, failed },
    latency: {},
    webSockets: { opened: 0, failed: 0 },
    worst: [],
    mixed: false,
  };
}
