import { after, before, describe, it } from "node:test";
import { type DyingEngine, goesOnAfter, openDyingEngine } from "../e2e/support/dying-engine.ts";

/** Places of the same kinds as those of test/e2e/killed-engine.test.ts. */
const PLACES = [
  { die: "after planned", goOn: "attach" },
  { die: "after effect-requested prepare", goOn: "attach" },
  { die: "after effect-confirmed start", goOn: "attach" },
  { die: "after effect-requested smoke-front-door", goOn: "attach" },
  { die: "after effect-requested share", goOn: "attach" },
  { die: "before step-passed shift-50", goOn: "attach" },
  { die: "after effect-requested stop-standby", goOn: "serve" },
] as const;

let engine: DyingEngine;
const opened = new AsyncDisposableStack();
after(() => opened.disposeAsync());

before(async () => {
  engine = opened.use(await openDyingEngine());
});

describe("a release whose engine is killed elsewhere goes on where it was, and nobody's request fails", () => {
  goesOnAfter(PLACES, () => engine);
});

it("leaves nothing running behind", async () => {
  await engine.people.leave();
  await engine.app.down();
});
