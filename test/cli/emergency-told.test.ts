import { deepEqual, equal, match } from "node:assert/strict";
import { describe, it } from "node:test";
import { eventJson } from "../../src/cli/render/event-json.ts";
import { eventLine } from "../../src/cli/render/event-line.ts";
import { type AroundPutBack, putBackDocument, putBackLines } from "../../src/cli/render/put-back.ts";
import { statusOf } from "../../src/core/status/status.ts";
import type { PutBackReport } from "../../src/engine/put-traffic-back.ts";
import { afterwards, DONE_AT, EMERGENCY, LATER } from "./support/emergencies.ts";

const STYLE = { width: 100, colours: false, unicode: true };

describe("what was done before the journal could be told", () => {
  it("is a line with who did it and when, and that it was noted late", () => {
    const event = { type: "emergency-noted-late", emergency: EMERGENCY } as const;
    match(
      eventLine(event, afterwards(EMERGENCY), null, STYLE) ?? "",
      /^noted late: all traffic put back to v1, from 25% on v2, by ann with rollback --now at \d\d:00:00$/,
    );
    const own = { ...EMERGENCY, by: null };
    match(
      eventLine({ ...event, emergency: own }, afterwards(own), null, STYLE) ?? "",
      /by the engine, which could not write its journal, at \d\d:00:00$/,
    );
  });

  it("is a document with the moment at which it was done, beside the one at which it was noted", () => {
    const stored = {
      release: 7,
      seq: 3,
      epoch: 9,
      hash: "",
      at: LATER,
      event: { type: "emergency-noted-late", emergency: EMERGENCY } as const,
    };
    deepEqual(eventJson(stored, afterwards(EMERGENCY)), {
      type: "emergency-noted-late",
      release: 7,
      seq: 3,
      atMs: LATER.wall,
      id: "e-1",
      outcome: "put-back",
      doneAtMs: DONE_AT,
      tookMs: 34,
      fromSharePercent: 25,
      epoch: 8,
      by: "ann",
      because: "person",
      sentence: EMERGENCY.because.sentence,
    });
  });

  it("stands first in the status of the rollback, which counts from when it was done", () => {
    const status = statusOf(afterwards(EMERGENCY), LATER, null);
    equal(status.state, "rolling-back");
    equal(status.sharePercent, 0);
    equal(status.sentence, "Rolling back from 25%: Put back at once by ann: carts are empty.");
    deepEqual(status.rollback?.putBackEarly, { by: "ann", atMs: DONE_AT + 34, tookMs: 34 });
    deepEqual(status.rollback.undone, [{ name: "put-back-early", afterMs: 34, failed: false }]);
    equal(status.rollback.decidedAtMs, DONE_AT);
  });

  it("frozen, is a pause by whoever wanted it", () => {
    const sentence = "ann wanted everything back, but web-blue-0 is not ready: it answers 503.";
    const status = statusOf(
      afterwards({ ...EMERGENCY, outcome: "frozen", because: { kind: "person", sentence } }),
      LATER,
      null,
    );
    equal(status.paused?.by, "ann");
    equal(status.paused.reason, sentence);
    equal(status.rollback, null);
  });
});

describe("the answer of rollback --now", () => {
  const report: PutBackReport = {
    outcome: "put-back",
    emergency: EMERGENCY,
    tookMs: 34,
    fencing: [{ name: "the keeper", isFenced: true }],
    recorded: true,
    troubles: [],
  };
  const around: AroundPutBack = { actor: null, unwritable: null, folder: "/srv/shop/.tidegate", exitCode: 10 };
  const told = (more: Partial<PutBackReport>, who: Partial<AroundPutBack> = {}): string =>
    putBackLines({ ...report, ...more }, { ...around, ...who }, STYLE).join("\n");

  it("says what was done, who is refused, where it is kept, what is left, and who goes on", () => {
    equal(
      told({}),
      `✔ PUT BACK: 100% on a1f09c0, read back after 34ms (it was 25% on 9f2c1e0).
  acts  no engine is seen to act on this app
  fence the data plane and the keeper refuse whoever acted before epoch 8
  noted in emergency.log; the next engine writes it into the journal, marked late
  left  9f2c1e0 runs on without traffic; what the release changed beside, and its workers, are not
        put back yet
  next  tidegate attach 7  finishes the rollback, in the order of undoing`,
    );
  });

  it("promises no more than a full disk lets an engine do", () => {
    const flat = (who: Partial<AroundPutBack>): string =>
      told({}, { unwritable: "full", ...who }).replaceAll(/\s+/g, " ");
    const release = { pid: 4711, command: "tidegate release", isStopped: false };
    match(flat({ actor: release }), /because the disk is full, it can't begin anew and ends with exit code 12/);
    match(
      flat({ actor: release }),
      /next df -h \/srv\/shop\/\.tidegate .* tidegate attach 7 then finishes the rollback/,
    );
    const serve = { ...release, command: "tidegate serve" };
    match(flat({ actor: serve }), /because the disk is full, it waits until it can write its journal/);
    match(flat({ actor: { ...release, isStopped: true } }), /kill -9 4711 .* tidegate attach 7/);
    match(flat({}), /no engine is seen to act on this app .* next df -h/);
  });

  it("says how to go on with a process that is stopped, and with one that acts", () => {
    const actor = { pid: 4711, command: "tidegate serve", isStopped: true };
    match(told({}, { actor }), /acts {2}process 4711 \(tidegate serve\) is stopped, not ended/);
    match(told({}, { actor }), /kill -CONT 4711[^]*kill -9 4711 ; tidegate attach 7/);
    match(told({}, { actor: { ...actor, isStopped: false } }), /tidegate status 7 --follow/);
  });

  it("hides nothing that could not be done", () => {
    const text = told({
      fencing: [{ name: "the keeper", isFenced: false, why: "It does not answer." }],
      recorded: { code: "emergency-not-recorded", what: "The emergency file can't be written.", cause: "ENOSPC" },
    });
    match(text, /fence the data plane refuses whoever acted before epoch 8; not the keeper: It does not answer\./);
    match(text, /noted not in emergency\.log: The emergency file can't be written\. \(ENOSPC\) The data plane itself/);
    const disk = told({ outcome: "on-disk", troubles: ["The keeper does not answer either."] }, { exitCode: 12 });
    match(disk, /^✖ NOT READ BACK: The data plane answers nobody \(it had 25% on 9f2c1e0\)\./);
    match(disk, /but {3}The keeper does not answer either\./);
  });

  it("is one document for scripts", () => {
    const document = putBackDocument({ ...report, outcome: "frozen" }, { ...around, exitCode: 12 });
    deepEqual(
      [document["type"], document["sharePercent"], document["isReadBack"], document["recorded"], document["exitCode"]],
      ["frozen", 25, true, true, 12],
    );
    equal(putBackDocument({ ...report, outcome: "on-disk" }, around)["sharePercent"], null);
  });
});
