import assert from "node:assert/strict";
import type { App } from "./app.ts";
import type { Command, Document, Ended } from "./command.ts";
import { assertReplayEquals, ofType } from "./journal.ts";
import { untilShare } from "./release.ts";
import type { Behaviour } from "./server-source.ts";

/** A release that stays at half of the traffic, unless its version is bad. */
export const HALF = `
app: shop
services:
  web:
    run: node server.js
    health: { ready: /health, every: 500ms, timeout: 500ms, fall: 2 }
    drain: 1s
traffic: { embedded: \${PORT_OF_FRONT_DOOR} }
guards: { errors: { rollback: "> 5%", window: 10s, minRequests: 20, breaches: 1 }, p95: off, restarts: off }
steps:
  - shift: 50%
    for: 10m
  - shift: 100%
    for: 1s
`;

/** A release that has half of the traffic, its engine in a process of its own. */
export async function releaseTo50(app: App, behaviour: Behaviour): Promise<Command> {
  app.version(behaviour);
  const engine = app.start(["release", "--yes", "--json"]);
  await untilShare(engine, 50);
  return engine;
}

/** The document that a command printed, which must have ended with this code. */
export function documentOf({ code, stdout, stderr }: Ended, expected: number): Document {
  assert.equal(code, expected, stdout + stderr);
  return JSON.parse(stdout) as Document;
}

/** The release was rolled back, and its journal told late what was done before; `by` null: by the engine. */
export async function assertToldLate(app: App, by: string | null): Promise<void> {
  const status = await app.status();
  assert.equal(status.state, "rolled-back");
  const events = await assertReplayEquals(app, status);
  const late = ofType(events, "emergency-noted-late");
  assert.equal(late.length, 1);
  assert.equal(late[0]?.emergency.by, by);
  assert.equal(ofType(events, "rollback-decided").length, 1);
}
