import { deepEqual, doesNotMatch, equal, match } from "node:assert/strict";
import { describe, it } from "node:test";
import type { Context } from "../../src/cli/context.ts";
import { eventJson } from "../../src/cli/render/event-json.ts";
import { eventLine } from "../../src/cli/render/event-line.ts";
import { putBackDocument, putBackLines } from "../../src/cli/render/put-back.ts";
import { releaseView } from "../../src/cli/render/release-view.ts";
import { lookUnseen } from "../../src/cli/unseen.ts";
import { decideMessages } from "../../src/core/decide/messages.ts";
import type { Emergency } from "../../src/core/release/emergency.ts";
import { evolve } from "../../src/core/release/evolve.ts";
import type { Release } from "../../src/core/release/release.ts";
import { statusOf } from "../../src/core/status/status.ts";
import type { PutBackReport } from "../../src/engine/put-traffic-back.ts";
import { stateFolder } from "../../src/local/state-folder.ts";
import { afterwards, DONE_AT, EMERGENCY, LATER, released } from "./support/emergencies.ts";

const STYLE = { width: 100, colours: false, unicode: true };
const FROZEN: Emergency = {
  ...EMERGENCY,
  id: "e-2",
  outcome: "frozen",
  because: { kind: "person", sentence: "ann wanted everything back, but web-blue-0 is not ready: it answers 503." },
};

describe("the live view of a release whose traffic was put back at once", () => {
  const view = (release: Release): string => releaseView(statusOf(release, LATER, null), STYLE).join("\n");

  it("has it as the first thing that was undone, with the time that it took, while the rest goes on", () => {
    match(
      view(afterwards(EMERGENCY)),
      /^● ROLLING BACK from 25%: Put back at once by ann: carts are empty\.\n {2}\+0\.03s 100% on v1, read back, before the journal could be told$/m,
    );
  });

  it("says where nobody acts that all traffic is back, and of no step that it runs", () => {
    const status = statusOf(afterwards(EMERGENCY), LATER, null, "nobody");
    equal(
      status.sentence,
      "All traffic is back on v1, from 25%: Put back at once by ann: carts are empty. The rest of the rollback waits for an engine.",
    );
    const shown = releaseView(status, STYLE).join("\n");
    match(
      shown,
      /^● TRAFFIC PUT BACK from 25%: Put back at once by ann: carts are empty\.\n {2}\+0\.03s 100% on v1, read back, before the journal could be told$/m,
    );
    doesNotMatch(shown, /Nobody watches at|● shift/);
  });

  it("frozen, says that it is paused, by whom and why", () => {
    const shown = view(afterwards(FROZEN)).replaceAll(/\s+/g, " ");
    match(shown, /[Pp]aused .*by ann/);
    match(shown, /ann wanted everything back, but web-blue-0 is not ready: it answers 503\./);
  });
});

describe("status of a release whose journal does not know yet what was done", () => {
  const seenIn = (found: { readonly file?: Emergency; readonly plane?: Emergency }) => {
    const exit = {
      log: { pending: async () => (found.file === undefined ? [] : [found.file]) },
      traffic: { read: async () => (found.plane === undefined ? null : { table: { emergency: found.plane } }) },
    };
    const context = {
      project: () => ({ state: stateFolder("/nowhere/.tidegate") }),
      machinery: { emergencyExit: async () => exit },
    } as unknown as Context;
    const release = released();
    return lookUnseen(context, release, statusOf(release, LATER, null));
  };

  it("tells it all the same, by the emergency file or by the data plane, and who finishes it", async () => {
    for (const found of [{ file: EMERGENCY }, { plane: EMERGENCY }, { file: EMERGENCY, plane: EMERGENCY }]) {
      const { document, notes } = await seenIn(found);
      deepEqual(
        document.emergencies.map(({ id }) => id),
        ["e-1"],
      );
      equal(notes?.length, 2);
      match(
        notes[0] ?? "",
        /^All traffic put back to v1, from 25% on v2, by ann with rollback --now at \d\d:00:00\. The journal does not know it yet\.$/,
      );
      equal(notes[1], "Nobody acts on this release now: tidegate attach 7 goes on with it, tidegate serve with all.");
    }
  });

  it("says that it was frozen, by whom and why", async () => {
    const { notes } = await seenIn({ plane: FROZEN });
    match(
      notes?.[0] ?? "",
      /^Frozen at 25% on v2 by ann at \d\d:00:00: ann wanted everything back, but .* answers 503\./,
    );
  });

  it("says nothing of what another release did", async () => {
    const { document, notes } = await seenIn({ file: { ...EMERGENCY, release: 6 } });
    deepEqual([document.emergencies, notes], [[], null]);
  });
});

describe("people are told of an emergency", () => {
  const sentences = (release: Release): readonly string[] =>
    decideMessages(release, LATER).flatMap((event) =>
      event.type === "effect-requested" && event.effect.kind === "notify"
        ? [`${event.effect.message.topic}: ${event.effect.message.sentence}`]
        : [],
    );

  it("once the rollback is done, with word that traffic was back long before this message", () => {
    const sentence = "100% on v1, read back.";
    const done = evolve(afterwards(EMERGENCY), { event: { type: "rolled-back", sentence }, at: LATER });
    deepEqual(sentences(done).slice(-1), [
      "rolled-back: Rolled back at 25%: Put back at once by ann: carts are empty. All traffic was on v1 at once; the rest, and this message, had to wait for an engine and its journal.",
    ]);
  });

  it("frozen, as soon as the journal knows, because it waits for a person", () => {
    deepEqual(sentences(afterwards(FROZEN)).slice(-1), [
      "needs-person: Frozen at 25%: ann wanted everything back, but web-blue-0 is not ready: it answers 503.",
    ]);
  });
});

describe("a release that was frozen", () => {
  const event = { type: "emergency-noted-late", emergency: FROZEN } as const;

  it("is a line with the share at which it stays", () => {
    match(
      eventLine(event, afterwards(FROZEN), null, STYLE) ?? "",
      /^noted late: frozen at 25% on v2 by ann at \d\d:00:00: ann wanted everything back, but/,
    );
  });

  it("is a document with what it was, and no time where nobody could write that down", () => {
    const { tookMs: _, ...untimed } = FROZEN;
    const stored = { release: 7, seq: 3, epoch: 9, hash: "", at: LATER, event: { ...event, emergency: untimed } };
    const document = eventJson(stored, afterwards(FROZEN));
    deepEqual([document?.["outcome"], document?.["doneAtMs"], document?.["tookMs"]], ["frozen", DONE_AT, null]);
  });
});

const AROUND = { actor: null, unwritable: null, folder: "/srv/shop/.tidegate" } as const;

describe("the answer of rollback --now where it was not simply put back", () => {
  const report: PutBackReport = {
    outcome: "put-back",
    emergency: EMERGENCY,
    tookMs: 34,
    fencing: [],
    recorded: true,
    troubles: [],
  };
  const told = (more: Partial<PutBackReport>): string =>
    putBackLines({ ...report, ...more }, { ...AROUND, exitCode: 12 }, STYLE).join("\n");

  it("frozen, leads to the instances of stable first, and says how to do it all the same and how to go on", () => {
    const text = told({ outcome: "frozen", emergency: FROZEN });
    match(text, /^✖ FROZEN, NOT PUT BACK: ann wanted everything back, but web-blue-0 is not ready/);
    match(text.replaceAll(/\s+/g, " "), /It stays at 25% on 9f2c1e0, and whoever acted can't change that\./);
    match(text, /next {2}tidegate status [^]*\n +tidegate rollback --now --anyway .*\n +tidegate resume 7 /);
  });

  it("done before, says so and by whom, and promises no time", () => {
    match(told({ outcome: "already" }), /^✔ PUT BACK ALREADY: all traffic is on a1f09c0\. Put back at once by ann/);
  });

  it("on the disk alone, promises nothing that nobody has read back, and fences nobody", () => {
    const text = told({
      outcome: "on-disk",
      fencing: [{ name: "the keeper", isFenced: false, why: "It does not answer." }],
    });
    match(text, /fence nobody refuses whoever acted before epoch 8; not the keeper: It does not answer\./);
    match(text, /next {2}tidegate doctor/);
    const document = putBackDocument({ ...report, outcome: "on-disk" }, { ...AROUND, exitCode: 12 });
    deepEqual([document["type"], document["sharePercent"], document["isReadBack"]], ["on-disk", null, false]);
  });

  it("tells scripts why it could not be written down", () => {
    const recorded = { code: "emergency-not-recorded", what: "The disk does not answer." };
    const document = putBackDocument({ ...report, recorded }, { ...AROUND, exitCode: 10 });
    deepEqual([document["recorded"], document["notRecorded"]], [false, recorded]);
  });
});
