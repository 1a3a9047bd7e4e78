import assert from "node:assert/strict";
import { PassThrough } from "node:stream";
import { describe, it } from "node:test";
import type { ReadStream, WriteStream } from "node:tty";
import { confirm } from "../../src/cli/ask.ts";
import type { Context } from "../../src/cli/context.ts";
import { exitCodeOfFault } from "../../src/cli/exit-code.ts";
import { FaultError } from "../../src/core/fault.ts";

/** Asks somebody who presses these keys, and tells what came of it: the fault's code, or null for a yes. */
async function pressing(keys: string | null, isYes = false): Promise<{ code: string | null; shown: string }> {
  const input = new PassThrough();
  const questions = new PassThrough();
  const told: string[] = [];
  const terminal = {
    canAsk: true,
    style: () => ({ width: 100, colours: false, unicode: true }),
    input: input as unknown as ReadStream,
    questions: questions as unknown as WriteStream,
    complain: (text: string) => void told.push(text),
  };
  const asked = confirm({ terminal } as unknown as Context, "Stops everything.", isYes);
  if (keys === null) input.end();
  else input.write(keys);
  const code = await asked.then(
    () => null,
    (error: unknown) => {
      assert.ok(error instanceof FaultError);
      assert.equal(error.fault.what, "Nothing was changed.");
      return error.fault.code;
    },
  );
  return { code, shown: told.join("\n") + String(questions.read() ?? "") };
}

describe("a question", () => {
  it("says what would happen, and goes on at yes alone", async () => {
    const { code, shown } = await pressing("y\r");
    assert.equal(code, null);
    assert.match(shown, /Stops everything\.[^]*Go on\? \[y\/N\] /);
    assert.equal((await pressing("\r")).code, "not-confirmed");
    assert.equal((await pressing("n\r")).code, "not-confirmed");
    assert.equal((await pressing(null)).code, "not-confirmed", "the end of the input is no yes");
  });

  it("is left with Ctrl-C, which ends with 130 and changes nothing", async () => {
    assert.equal((await pressing("\u0003")).code, "interrupted");
    assert.equal((await pressing("y\u0003")).code, "interrupted");
    assert.equal(exitCodeOfFault({ code: "interrupted", what: "" }), 130);
    assert.equal(exitCodeOfFault({ code: "not-confirmed", what: "" }), 3);
  });

  it("is not asked with --yes", async () => {
    assert.deepEqual(await pressing("", true), { code: null, shown: "" });
  });
});
