import assert from "node:assert/strict";
import { it } from "node:test";
import { runRelease } from "../../src/demo/release-run.ts";
import type { Stage } from "../../src/demo/stage.ts";
import { tidegateOn } from "../../src/demo/tidegate-process.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

it("a release of the demo whose process ends before its first word is not tried again and again, and says why", async () => {
  await using temporary = temporaryFolder();
  const stage = { shop: temporary.path, env: process.env } as unknown as Stage;
  const script = `process.stderr.write("no room\\n"); process.exitCode = 1;`;
  const tidegate = tidegateOn(stage, [process.execPath, "-e", script, "--"]);
  const watch = { onDocument: () => undefined, onTakenUp: () => assert.fail("it is started again") };
  const { status, fault } = await runRelease(tidegate, "v1", watch, new AbortController().signal).ended;
  assert.equal(status, null);
  assert.deepEqual(fault, {
    code: "controllers-died",
    what: "Tidegate ended with 1 and without a word.",
    cause: "no room",
  });
});
