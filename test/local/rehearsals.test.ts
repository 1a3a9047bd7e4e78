import { deepEqual, equal, match } from "node:assert/strict";
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { describe, it } from "node:test";
import { lookAtRehearsals } from "../../src/cli/doctor/rehearsals.ts";
import { NO_REQUESTS, type Rehearsal } from "../../src/core/rehearsal/rehearsal.ts";
import {
  beginRehearsal,
  clearRehearsal,
  keepRehearsal,
  readRehearsals,
  rehearsalsUnderWay,
} from "../../src/local/rehearsals.ts";
import { checkStateFolder } from "../../src/local/state-folder-check.ts";
import { stateFolder } from "../../src/local/state-folder.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

const rehearsal = (index: number, more: Partial<Rehearsal> = {}): Rehearsal => ({
  format: 1,
  id: index.toString(16).padStart(8, "0"),
  app: "shop",
  environment: "production",
  planHash: "of the plan",
  candidate: { version: "4be1c02f", label: "4be1c02" },
  stable: null,
  by: "ann",
  startedAt: Date.now() - 3_600_000 + index,
  tookMs: 1,
  passed: true,
  trouble: null,
  database: null,
  parts: [],
  requests: NO_REQUESTS,
  rollback: null,
  recovery: null,
  leftOut: [],
  ...more,
});

describe("Rehearsals in the state folder", () => {
  it("run there while their process lives, and are found by whoever comes after it", async () => {
    await using folder = temporaryFolder();
    const app = stateFolder(folder.file("state"));
    const mine = beginRehearsal(app, "0a1b2c3d", true);
    // Nobody has this pid: it is beyond what the system gives.
    const dead = { format: 1, process: { bootId: "of another boot", pid: 2 ** 30, startTicks: 1 }, hasDatabase: false };
    mkdirSync(app.file("rehearsals", "ffffffff"));
    writeFileSync(app.file("rehearsals", "ffffffff", "running.json"), JSON.stringify(dead));
    const seen = rehearsalsUnderWay(app).map(({ id, isAlive, hasDatabase }) => [id, { isAlive, hasDatabase }] as const);
    deepEqual(Object.fromEntries(seen), {
      "0a1b2c3d": { isAlive: true, hasDatabase: true },
      ffffffff: { isAlive: false, hasDatabase: false },
    });
    clearRehearsal(mine);
    equal(existsSync(mine.folder), false);
    checkStateFolder(app);
    const [finding, ...others] = lookAtRehearsals({ state: app });
    deepEqual(others, []);
    match(finding?.sentence ?? "", /^rehearsal ffffffff was killed, and has left/);
    equal(finding?.fix, "take it away: tidegate rehearse --clean");
  });

  it("leave their results, the newest first, and no more of them than anybody reads", async () => {
    await using folder = temporaryFolder();
    const app = stateFolder(folder.file("state"));
    for (let index = 1; index <= 52; index += 1) await keepRehearsal(app, rehearsal(index));
    const fault = { code: "x", what: "It exited." };
    await keepRehearsal(app, rehearsal(53, { passed: false, trouble: { part: "whole", step: "start", fault } }));
    writeFileSync(app.file("rehearsals", "torn.json"), "{");
    const known = readRehearsals(app);
    equal(known.length, 50);
    deepEqual([known[0]?.id, known.at(-1)?.id], [rehearsal(53).id, rehearsal(4).id]);
    const [finding] = lookAtRehearsals({ state: app });
    equal(finding?.state, "warn");
    match(finding?.sentence ?? "", /^4be1c02 was rehearsed .* ago by ann, and it failed at "start"$/);
  });
});
