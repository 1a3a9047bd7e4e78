import assert from "node:assert/strict";
import { afterEach, describe, it } from "node:test";
import { LiveEndpoint } from "../../src/proxy/live-endpoint.ts";

const opened: LiveEndpoint[] = [];
afterEach(() => opened.splice(0).forEach((each) => each.close()));

function endpoint(): LiveEndpoint {
  const made = new LiveEndpoint(
    { id: "web-1", service: "web", host: "127.0.0.1", port: 9, draining: false },
    () => 1_000,
  );
  opened.push(made);
  return made;
}

function times(count: number, work: () => void): void {
  for (let i = 0; i < count; i += 1) work();
}

describe("an instance that was set aside", () => {
  it("because nobody could connect is taken back as soon as its probe is good: it was started again", () => {
    const each = endpoint();
    times(3, () => each.noteConnectError());
    assert.equal(each.isUsable, false);
    each.setHealth("up");
    assert.equal(each.isUsable, true);
    each.noteConnectError();
    assert.equal(each.isUsable, false, "one more failure is enough to take it away again");
  });

  it("because of its answers is not: a good probe says nothing of them", () => {
    const each = endpoint();
    each.setHealth("up");
    times(10, () => each.noteAnswer(500));
    each.setHealth("up");
    assert.equal(each.isUsable, false);
  });
});
