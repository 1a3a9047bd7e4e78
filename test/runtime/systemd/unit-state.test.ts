import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { UnitProperties } from "../../../src/adapters/runtime/systemd/systemctl.ts";
import type { UnitRecord } from "../../../src/adapters/runtime/systemd/unit-records.ts";
import { crashesNow, exitOf, exitShown, stateOf, unitSeen } from "../../../src/adapters/runtime/systemd/unit-state.ts";

const RECORD: UnitRecord = {
  format: 1,
  id: "web-green-0-9f2c1e4a",
  unit: "tidegate-shop-production-web-green-9f2c1e4a@0.service",
  app: "shop",
  environment: "production",
  service: "web",
  slot: "green",
  version: "9f2c1e4a",
  port: 20_123,
  address: "127.0.0.1:20123",
  directory: "/srv/shop/.tidegate/versions/x",
  serviceFolder: ".",
  run: "node server.js",
  files: [],
  wanted: "running",
};
const STOPPED: UnitRecord = { ...RECORD, wanted: "stopped" };

const RUNNING: UnitProperties = {
  LoadState: "loaded",
  ActiveState: "active",
  SubState: "running",
  Job: "",
  MainPID: "4711",
  NRestarts: "2",
  ExecMainStartTimestampMonotonic: "5000000",
};

describe("what systemd shows of a unit, as the engine sees it", () => {
  const states: readonly (readonly [what: string, active: string, sub: string, wanted: string, stopped: string])[] = [
    ["runs", "active", "running", "running", "running"],
    ["is being executed", "activating", "start", "starting", "starting"],
    ["waits to be started again", "activating", "auto-restart", "backoff", "backoff"],
    ["its last processes are ended", "deactivating", "stop-sigterm", "backoff", "stopping"],
    ["has ended", "inactive", "dead", "exited", "exited"],
    ["has failed", "failed", "failed", "exited", "exited"],
  ];
  for (const [what, ActiveState, SubState, wanted, stopped] of states) {
    it(`one that ${what}`, () => {
      assert.equal(stateOf(RECORD, { ActiveState, SubState }), wanted);
      assert.equal(stateOf(STOPPED, { ActiveState, SubState }), stopped);
    });
  }

  it("one that is to be started soon, as at a boot, is neither gone nor missed", () => {
    assert.equal(stateOf(RECORD, { ActiveState: "inactive", SubState: "dead", Job: "815" }), "starting");
    assert.equal(stateOf(RECORD, { ActiveState: "inactive", SubState: "dead", Job: "0" }), "exited");
  });

  it("one that it does not know has ended", () => assert.equal(stateOf(RECORD, undefined), "exited"));

  it("runs since, with that process, so many crashes ago", () => {
    const last = { code: 7, signal: null, at: 1_000 };
    const seen = unitSeen(RECORD, RUNNING, { crashes: 3, last }, null, {
      wall: 1_700_000_020_000,
      monotonicMs: 25_000,
    });
    assert.deepEqual(seen, {
      id: "web-green-0-9f2c1e4a",
      service: "web",
      slot: "green",
      version: "9f2c1e4a",
      address: "127.0.0.1:20123",
      state: "running",
      pid: 4711,
      startedAt: 1_700_000_000_000,
      restarts: 3,
      lastExit: last,
      adopted: false,
    });
  });

  it("is missed when it has ended and nobody here stopped it", () => {
    const dead = { ...RUNNING, ActiveState: "inactive", SubState: "dead", MainPID: "0" };
    const look = (record: UnitRecord): boolean | undefined =>
      unitSeen(record, dead, { crashes: 0, last: null }, null, { wall: 0, monotonicMs: 0 }).isLost;
    assert.equal(look(RECORD), true);
    assert.equal(look(STOPPED), undefined);
  });

  it("counts a crash from the moment on at which it happened, and once", () => {
    const waiting = { ...RUNNING, ActiveState: "activating", SubState: "auto-restart" };
    assert.equal(crashesNow({ ...RUNNING, NRestarts: "2" }), 2);
    assert.equal(crashesNow({ ...waiting, NRestarts: "2" }), 3);
    // The wait is over: it is counted, and the start that follows is about to begin.
    assert.equal(crashesNow({ ...waiting, NRestarts: "3", Job: "815" }), 3);
    assert.equal(crashesNow({ ...RUNNING, NRestarts: "3" }), 3);
  });

  it("tells how the last life ended until the next one begins", () => {
    const clock = { wall: 1_700_000_020_000, monotonicMs: 25_000 };
    const ended = { ...RUNNING, Result: "exit-code", ExecMainExitTimestampMonotonic: "6000000" };
    const at = 1_700_000_001_000;
    const look = (more: UnitProperties) => exitShown({ ...ended, ...more }, clock);
    assert.deepEqual(look({ ExecMainCode: "1", ExecMainStatus: "216" }), { code: 216, signal: null, at });
    assert.deepEqual(look({ ExecMainCode: "2", ExecMainStatus: "9" }), { code: null, signal: "SIGKILL", at });
    assert.deepEqual(look({ ExecMainCode: "2", ExecMainStatus: "9", Result: "oom-kill" }), {
      code: null,
      signal: "SIGKILL",
      at,
      outOfMemory: true,
    });
    assert.equal(look({ ExecMainCode: "0", ExecMainStatus: "0", ExecMainExitTimestampMonotonic: "0" }), null);
    assert.equal(exitShown(undefined, clock), null);
  });

  it("knows how a life ended from what the unit noted", () => {
    assert.deepEqual(exitOf("exit-code exited 7\n", 5), { code: 7, signal: null, at: 5 });
    assert.deepEqual(exitOf("signal killed KILL\n", 5), { code: null, signal: "SIGKILL", at: 5 });
    assert.deepEqual(exitOf("core-dump dumped SEGV\n", 5), { code: null, signal: "SIGSEGV", at: 5 });
    assert.deepEqual(exitOf("oom-kill killed TERM\n", 5), { code: null, signal: "SIGTERM", at: 5, outOfMemory: true });
    assert.deepEqual(exitOf("success exited 0\n", 5), { code: 0, signal: null, at: 5 });
    assert.equal(exitOf("", 5), null, "a full disk kept it from being noted");
  });
});
