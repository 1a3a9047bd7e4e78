import { deepEqual } from "node:assert/strict";
import { it } from "node:test";
import { joinedRows } from "../../../src/core/analysis/joined-rows.ts";
import type { SecondRow } from "../../../src/core/observation.ts";

const ROW: SecondRow = {
  second: 7,
  version: "v1",
  requests: 3,
  status: { ok: 2, redirect: 0, client: 0, server: 1, failed: 0 },
  latency: { 700: 2, 800: 1 },
  webSockets: { opened: 1, failed: 0 },
  worst: [],
  mixed: false,
};

it("two rows of one second, as two processes tell them at a hand-over, are one with all that both have counted", () => {
  const one: SecondRow = {
    ...ROW,
    counted: { errors: { requests: 3, bad: 1, newlyBad: 1 } },
    newVisitors: 2,
    features: { cart: { requests: 2, bad: 1, latency: { 700: 2 } } },
    cohorts: { errors: { 4: [3, 1] } },
  };
  const other: SecondRow = {
    ...ROW,
    passedOn: 1,
    counted: {
      errors: { requests: 2, bad: 0, newlyBad: 0 },
      "p95@2": { requests: 2, bad: 1, newlyBad: 1, limitMs: 40 },
    },
    newVisitors: 1,
    features: { cart: { requests: 1, bad: 0, latency: { 700: 1 } }, pay: { requests: 1, bad: 0, latency: {} } },
    cohorts: { errors: { 4: [1, 0], 9: [1, 0] } },
    visitors: { candidates: 5, visitors: 90, slower: 1.1, logEvidence: 0.2 },
  };
  deepEqual(joinedRows(one, other), {
    ...ROW,
    requests: 6,
    status: { ok: 4, redirect: 0, client: 0, server: 2, failed: 0 },
    passedOn: 1,
    latency: { 700: 4, 800: 2 },
    webSockets: { opened: 2, failed: 0 },
    counted: {
      errors: { requests: 5, bad: 1, newlyBad: 1 },
      "p95@2": { requests: 2, bad: 1, newlyBad: 1, limitMs: 40 },
    },
    newVisitors: 3,
    features: { cart: { requests: 3, bad: 1, latency: { 700: 3 } }, pay: { requests: 1, bad: 0, latency: {} } },
    cohorts: { errors: { 4: [4, 1], 9: [1, 0] } },
    visitors: { candidates: 5, visitors: 90, slower: 1.1, logEvidence: 0.2 },
  });
  deepEqual(joinedRows(ROW, ROW).counted, undefined);
});
