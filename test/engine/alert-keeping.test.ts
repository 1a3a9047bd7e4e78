import { deepEqual, equal } from "node:assert/strict";
import { setImmediate as turn } from "node:timers/promises";
import { afterEach, beforeEach, describe, it } from "node:test";
import { createManualClock, type ManualClock } from "../../src/adapters/clock/manual.ts";
import type { NotifyTarget } from "../../src/core/plan/receiver.ts";
import type { ReleaseEvent } from "../../src/core/release/event.ts";
import type { Release } from "../../src/core/release/release.ts";
import { MINUTE, SECOND } from "../../src/core/time/time.ts";
import { type AlertKeeping, createAlertKeeping } from "../../src/engine/alert-keeping.ts";
import type { Notifier } from "../../src/ports/notifier.ts";
import { USUAL } from "../support/plans.ts";
import { errorsVerdict, PureWorld } from "../support/pure-world.ts";

const KEEPER: NotifyTarget = { kind: "alertmanager", name: "keeper", url: "http://a", labels: {} };
const PAGER: Extract<NotifyTarget, { kind: "pagerduty" }> = {
  kind: "pagerduty",
  name: "pager",
  key: "${PD_KEY}",
  token: "${PD_TOKEN}",
  url: "https://events.pagerduty.com",
  api: "https://api.pagerduty.com",
};

/** A release that waits for a person, because figures never came. */
function waiting(pager: NotifyTarget): Release {
  const page = { to: [pager], on: ["needs-person"], ackMs: 5 * MINUTE, else: [] } as const;
  const world = new PureWorld({ ...USUAL, notify: [KEEPER], page });
  world.verdicts = [errorsVerdict("no-data")];
  return world.pass(3 * MINUTE).release;
}

let clock: ManualClock;
let keeping: AlertKeeping;
let told: string[];
let asked: number;
let answer: () => Promise<string | null>;
let happened: ReleaseEvent[];

beforeEach(() => {
  clock = createManualClock(2_000_000);
  told = [];
  asked = 0;
  answer = async () => null;
  happened = [];
  const notifier: Notifier = {
    deliver: async ({ alert }, target) =>
      void told.push(`${target.kind === "terminal" ? "" : target.name} ${alert?.act}`),
    acknowledgedBy: async () => {
      asked += 1;
      return answer();
    },
  };
  keeping = createAlertKeeping({ clock, notifier }, async (event) => void happened.push(event));
});

afterEach(() => keeping.stop());

/** Looks as often as an engine does. */
async function watch(release: Release, forMs: number): Promise<void> {
  for (let passed = 0; passed < forMs; passed += SECOND) {
    await clock.advance(SECOND);
    keeping.look(release);
    // Who answers at once is heard before the next look.
    await turn();
  }
}

describe("while an alert lasts", () => {
  it("Alertmanager is told of it every minute, and nobody else", async () => {
    await watch(waiting(PAGER), 3 * MINUTE);
    deepEqual(told, ["keeper open", "keeper open", "keeper open"]);
  });

  it("the pager is asked every quarter of a minute who looks after it, until somebody does", async () => {
    const release = waiting(PAGER);
    await watch(release, 31 * SECOND);
    equal(asked, 3);
    answer = async () => "Eve, in PagerDuty";
    await watch(release, 17 * SECOND);
    deepEqual(happened, [{ type: "acknowledged", alerts: ["held-1"], by: "Eve, in PagerDuty", via: "pager" }]);
  });

  it("one that does not say is no acknowledgement", async () => {
    answer = () => Promise.reject(new Error("it answers 500"));
    await watch(waiting(PAGER), MINUTE);
    deepEqual(happened, []);
  });

  it("one without a token is not asked", async () => {
    const { token: _, ...without } = PAGER;
    await watch(waiting(without), MINUTE);
    equal(asked, 0);
  });
});
