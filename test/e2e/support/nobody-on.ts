import assert from "node:assert/strict";
import type { App } from "./app.ts";
import type { Visitors } from "./visitors.ts";

/** The data plane tells a moment by the wall clock, which differs by a millisecond or two from look to look. */
const SAME_MS = 3;

/** Of the next requests none begins on the candidate. */
export async function assertNobodyOnCandidate(app: App, people: Visitors, requests = 30): Promise<void> {
  const before = await app.plane();
  await people.sample(requests);
  const later = await app.plane();
  const candidate = before.table?.candidate?.version ?? "";
  const last = before.lastRequestAt[candidate];
  assert.ok(typeof last === "number", "it had some before");
  assert.ok(
    Math.abs((later.lastRequestAt[candidate] ?? 0) - last) <= SAME_MS,
    `${later.lastRequestAt[candidate]}, ${last}`,
  );
}
