import assert from "node:assert/strict";
import { it } from "node:test";
import { eventLine } from "../../src/cli/render/event-line.ts";
import { rail } from "../../src/cli/render/rail.ts";
import { summary } from "../../src/cli/render/summary.ts";
import { afterwards, EMERGENCY } from "./support/emergencies.ts";
import * as statuses from "./support/statuses.ts";

const STYLE = { width: 200, colours: false, unicode: true };

it("a step that a person promoted past has no tick, and the summary names it instead of its time", () => {
  const [first, ...rest] = statuses.CLOSED.steps;
  assert.ok(first !== undefined);
  const name = "drop the price";
  const over = { ...first, name, state: "passed", tookMs: 5_000, isPromotedPast: true } as const;
  const status = { ...statuses.CLOSED, steps: [...rest, over] };
  assert.doesNotMatch(rail(status, STYLE).join("\n"), /✔ drop the price/);
  const lines = summary(status, STYLE).join("\n");
  assert.match(lines, /over {2}"drop the price" did not pass: a person promoted past it/);
  assert.doesNotMatch(lines, /drop the price 5s/);
});

it("and no tick among the events either", () => {
  const because = { kind: "person", sentence: "Promoted past it by a person.", isPromotedPast: true } as const;
  const line = eventLine({ type: "step-passed", step: "migrate", because }, afterwards(EMERGENCY), null, STYLE);
  assert.equal(line, "– migrate: Promoted past it by a person.");
});
