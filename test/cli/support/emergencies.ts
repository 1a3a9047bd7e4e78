import type { Emergency } from "../../../src/core/release/emergency.ts";
import { lateEvents } from "../../../src/core/release/emergency.ts";
import { evolve } from "../../../src/core/release/evolve.ts";
import type { Release } from "../../../src/core/release/release.ts";
import { planOf, step } from "../../support/plans.ts";

export const DONE_AT = Date.UTC(2026, 10, 21, 12, 0, 0);
export const LATER = { wall: DONE_AT + 60_000, watched: 5_000 };

/** What `rollback --now` leaves behind. */
export const EMERGENCY: Emergency = {
  format: 1,
  id: "e-1",
  outcome: "put-back",
  app: "shop",
  environment: "production",
  release: 7,
  stable: "a1f09c00112233445566778899aabbccddeeff00",
  candidate: "9f2c1e00112233445566778899aabbccddeeff00",
  fromShare: 2_500,
  epoch: 8,
  at: DONE_AT,
  tookMs: 34,
  by: "ann",
  because: { kind: "person", sentence: "Put back at once by ann: carts are empty." },
};

/** That has 25 % of the traffic, as its journal knows it. */
export function released(): Release {
  const plan = planOf([step.start(), step.shift(25, 60_000)], { notify: [{ kind: "terminal" }] });
  const planned = {
    type: "planned" as const,
    release: 7,
    app: "shop",
    environment: "production",
    stable: { version: EMERGENCY.stable, label: "v1", slot: "blue" as const },
    candidate: { version: EMERGENCY.candidate, label: "v2", slot: "green" as const },
    offset: 0,
    plan,
    planHash: "cafe",
    by: "ann",
  };
  const at = { wall: DONE_AT - 60_000, watched: 0 };
  return evolve(evolve(null, { event: planned, at }), { event: { type: "started" }, at });
}

/** The same once its journal has been told. */
export function afterwards(emergency: Emergency): Release {
  const release = released();
  return lateEvents(release, emergency).reduce((state, event) => evolve(state, { event, at: LATER }), release);
}
