import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { describe, it } from "node:test";
import { ensureKeeper, isAnythingKept, stopKeeper } from "../../src/adapters/runtime/processes/ensure-keeper.ts";
import { FaultError } from "../../src/core/fault.ts";
import type { KeeperState } from "../../src/keeper/protocol.ts";
import { callControl } from "../../src/local/control-socket.ts";
import { identify } from "../../src/local/process-identity.ts";
import { stateFolder } from "../../src/local/state-folder.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";
import { until } from "../support/until.ts";
import { processWorld, running } from "./world.ts";

const PROGRAM = fileURLToPath(new URL("../keeper/keeper-program.ts", import.meta.url));

describe("making sure that a keeper runs", () => {
  it("starts one, however many ask at the same time", async () => {
    await using temporary = temporaryFolder();
    const folder = stateFolder(temporary.file("state"));
    const keeperCommand = [process.execPath, PROGRAM, folder.path];
    try {
      await Promise.all([1, 2, 3].map(() => ensureKeeper({ folder, keeperCommand })));
      const { pid } = await callControl<KeeperState>(folder.socket("keeper.sock"), "/state");
      await ensureKeeper({ folder, keeperCommand });
      assert.equal((await callControl<KeeperState>(folder.socket("keeper.sock"), "/state")).pid, pid);
    } finally {
      assert.equal(await stopKeeper(folder), true);
    }
    assert.equal(await stopKeeper(folder), false);
  });

  it("that can't be started says why", async () => {
    await using temporary = temporaryFolder();
    const folder = stateFolder(temporary.file("state"));
    const keeperCommand = [process.execPath, "-e", "console.error('no keeper today'); process.exit(4)"];
    await assert.rejects(ensureKeeper({ folder, keeperCommand }), (error: unknown) => {
      assert.ok(error instanceof FaultError);
      assert.equal(error.fault.code, "keeper-not-started");
      assert.equal(error.fault.cause, "it ended with code 4");
      assert.deepEqual(error.fault.detail, ["no keeper today"]);
      return true;
    });
  });

  it("works also where the state folder's path is too long for a socket", async () => {
    await using temporary = temporaryFolder();
    const folder = stateFolder(temporary.file("a".repeat(100), "state"));
    try {
      await ensureKeeper({ folder, keeperCommand: [process.execPath, PROGRAM, folder.path] });
    } finally {
      assert.equal(await stopKeeper(folder), true);
    }
  });
});

describe("stopping everything", () => {
  it("ends also what a killed keeper left behind, when it is told how to start one", async () => {
    await using world = await processWorld();
    const version = world.commit("One");
    const service = running("exec sleep 600", { routes: [] });
    const { directory } = await world.runtime.prepare(version, [service], new AbortController().signal);
    const { app, environment } = world;
    const order = { app, environment, service, version, slot: "blue", index: 0, role: "active", directory } as const;
    const { pid = 0 } = await world.runtime.start({ ...order, secrets: {} });
    const keeper = (await world.keeper()).pid;
    await world.killKeeper();
    await until("the keeper is gone", () => identify(keeper) === null);
    assert.notEqual(identify(pid), null);
    assert.equal(isAnythingKept(world.folder), true);
    assert.equal(await stopKeeper(world.folder), false);
    const keeperCommand = [process.execPath, PROGRAM, world.folder.path];
    assert.equal(await stopKeeper(world.folder, { keeperCommand }), true);
    assert.equal(identify(pid), null);
    assert.equal(isAnythingKept(world.folder), false);
  });
});
