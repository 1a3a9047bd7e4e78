import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { describe, it } from "node:test";
import { bootId, identify, isSameProcess } from "../../src/local/process-identity.ts";
import { readProcess } from "../../src/local/process-table.ts";
import type { KeeperRecord, Life } from "../../src/keeper/record.ts";
import { until } from "../support/until.ts";
import { type KeeperUnderTest, keeperUnderTest, runKeeperProgram } from "./keeper-under-test.ts";

describe("a new keeper", () => {
  it("adopts what the killed one left, under the same pid, its output still going to the log", async () => {
    await using keeper = await keeperUnderTest();
    await keeper.start();
    const before = await keeper.put({ id: "web", command: "while :; do date +%s.%N; sleep 0.05; done" });
    await until("it writes", () => readFileSync(before.logFile, "utf8").length > 0);
    await keeper.kill("SIGKILL");
    const length = readFileSync(before.logFile, "utf8").length;
    await until("it goes on writing without a keeper", () => readFileSync(before.logFile, "utf8").length > length);
    await keeper.start();
    const after = await keeper.instance("web");
    assert.equal(after.pid, before.pid);
    assert.equal(after.state, "running");
    assert.equal(after.restarts, 0);
    const stopped = await keeper.stop("web");
    assert.equal(stopped.state, "exited");
    assert.equal(identify(before.pid ?? 0), null);
  });

  it("notices when an adopted instance dies, and starts it again with its secrets, which were never on disk", async () => {
    await using keeper = await keeperUnderTest();
    await keeper.start();
    const { pid } = await keeper.put({
      id: "web",
      command: `echo "$TOKEN" > token.txt; exec sleep 600`,
      secretEnv: { TOKEN: "hunter2-hunter2" },
    });
    await until("it has started", () => existsSync(keeper.file("token.txt")));
    await keeper.kill("SIGKILL");
    await keeper.start();
    writeFileSync(keeper.file("token.txt"), "");
    process.kill(pid ?? 0, "SIGKILL");
    const again = await until("it runs again", async () => {
      const state = await keeper.instance("web");
      return state.restarts === 1 && state.state === "running" && state;
    });
    assert.notEqual(again.pid, pid);
    // Nobody but the parent is told how a process ended, and the parent is dead.
    assert.deepEqual({ code: again.lastExit?.code, signal: again.lastExit?.signal }, { code: null, signal: null });
    await until("it has its secret", () => readFileSync(keeper.file("token.txt"), "utf8") === "hunter2-hunter2\n");
    assert.ok(!JSON.stringify(keeper.record()).includes("hunter2"));
    assert.ok(!JSON.stringify(await keeper.state()).includes("hunter2"));
    assert.ok(!keeper.said().includes("hunter2"));
  });

  it("starts again what died while no keeper lived, and counts the crash", async () => {
    await using keeper = await keeperUnderTest();
    await keeper.start();
    const { pid } = await keeper.put({ id: "web", command: "exec sleep 600" });
    await keeper.kill("SIGKILL");
    await end(pid);
    await keeper.start();
    const seen = await until("it runs again", async () => {
      const state = await keeper.instance("web");
      return state.state === "running" && state;
    });
    assert.equal(seen.restarts, 1);
    assert.notEqual(seen.pid, pid);
  });

  it("says that it needs the secrets of an instance that died while no keeper lived", async () => {
    await using keeper = await keeperUnderTest();
    await keeper.start();
    const order = { id: "web", command: "exec sleep 600", secretEnv: { TOKEN: "hunter2-hunter2" } };
    const { pid } = await keeper.put(order);
    await keeper.kill("SIGKILL");
    await end(pid);
    await keeper.start();
    const seen = await keeper.instance("web");
    assert.deepEqual({ state: seen.state, needsSecrets: seen.needsSecrets }, { state: "exited", needsSecrets: true });
    const again = await keeper.put(order);
    assert.deepEqual(
      { state: again.state, needsSecrets: again.needsSecrets },
      { state: "running", needsSecrets: false },
    );
  });

  it("fills secrets in from its own environment where nobody else knows them any more, and says so", async () => {
    await using keeper = await keeperUnderTest();
    await keeper.start();
    const { pid } = await keeper.put({
      id: "web",
      command: `echo "$ADDRESS" >> address.txt; exec sleep 600`,
      secretEnv: { ADDRESS: "db://ann:hunter2-hunter2@here" },
      secretTexts: { ADDRESS: "db://ann:${KEEPER_TEST_PASSWORD}@here" },
    });
    await until("it has started", () => existsSync(keeper.file("address.txt")));
    await keeper.kill("SIGKILL");
    await end(pid);
    await keeper.start({ env: { KEEPER_TEST_PASSWORD: "hunter2-hunter2" } });
    await until("it runs again", async () => (await keeper.instance("web")).restarts === 1);
    const address = "db://ann:hunter2-hunter2@here\n";
    await until("it has its secret", () => readFileSync(keeper.file("address.txt"), "utf8") === address.repeat(2));
    assert.match(keeper.said(), /web: ADDRESS filled in from the keeper's own environment/);
    assert.ok(!keeper.said().includes("hunter2"));
    assert.ok(!JSON.stringify(keeper.record()).includes("hunter2"));
  });

  it("does not start what was stopped on purpose", async () => {
    await using keeper = await keeperUnderTest();
    await keeper.start();
    await keeper.put({ id: "web", command: "exec sleep 600" });
    await keeper.stop("web");
    await keeper.kill("SIGKILL");
    await keeper.start();
    assert.equal((await keeper.instance("web")).state, "exited");
    assert.ok(!keeper.said().includes("adopted"));
  });

  it("ends what the killed one was just stopping", async () => {
    await using keeper = await keeperUnderTest();
    await keeper.start();
    const { pid = 0 } = await keeper.put({ id: "web", command: "trap '' TERM; sleep 600; sleep 600; sleep 600" });
    keeper.stop("web", 60_000).catch(() => undefined);
    await until("the intent is on disk", () => keeper.record().instances[0]?.life.wanted === "stopped");
    await keeper.kill("SIGKILL");
    assert.notEqual(identify(pid), null);
    await keeper.start();
    assert.equal((await keeper.instance("web")).state, "exited");
    assert.equal(identify(pid), null);
  });

  it("leaves a stranger alone who has the pid of a process that it knew", async () => {
    await using keeper = await keeperUnderTest();
    await using stranger = await sleeper();
    const identity = identify(stranger.pid);
    assert.ok(identity !== null);
    await leaveRecord(keeper, {
      run: { mark: "m", startedAt: 1, identity: { ...identity, startTicks: identity.startTicks - 1 } },
    });
    await keeper.start();
    const seen = await until("its own runs", async () => {
      const state = await keeper.instance("web");
      return state.state === "running" && state;
    });
    assert.notEqual(seen.pid, stranger.pid);
    await keeper.stop("web");
    assert.ok(isSameProcess(identity));
  });

  it("leaves a stranger alone who got the pid after a boot", async () => {
    await using keeper = await keeperUnderTest();
    await using stranger = await sleeper();
    const identity = identify(stranger.pid);
    assert.ok(identity !== null);
    await leaveRecord(keeper, { run: { mark: "m", startedAt: 1, identity: { ...identity, bootId: "another boot" } } });
    await keeper.start();
    const seen = await keeper.instance("web");
    assert.notEqual(seen.pid, stranger.pid);
    assert.equal(seen.restarts, 0, "a boot is no crash");
    await keeper.stop("web");
    assert.ok(isSameProcess(identity));
  });

  it("does not count a crash again that the one before had seen", async () => {
    await using keeper = await keeperUnderTest();
    const dead = await sleeper();
    const identity = identify(dead.pid);
    await dead[Symbol.asyncDispose]();
    assert.ok(identity !== null);
    await leaveRecord(keeper, {
      run: { mark: "m", startedAt: 1, identity },
      lastExit: { code: 1, signal: null, at: 2 },
      restarts: 3,
      failuresInARow: 1,
    });
    await keeper.start();
    const seen = await until("it runs again", async () => {
      const state = await keeper.instance("web");
      return state.state === "running" && state;
    });
    assert.equal(seen.restarts, 3);
  });

  it("takes a zombie for dead, although signals still reach it", { skip: process.platform !== "linux" }, async () => {
    await using keeper = await keeperUnderTest();
    await using parent = await sleeper("sleep 0 & echo $!; exec sleep 600");
    const pid = Number(parent.firstLine);
    const zombie = await until("it is a zombie", () => {
      const row = readProcess(pid);
      return row?.isZombie === true && row;
    });
    process.kill(pid, 0);
    await leaveRecord(keeper, {
      run: { mark: "m", startedAt: 1, identity: { bootId: bootId(), pid, startTicks: zombie.startTicks } },
    });
    await keeper.start();
    const seen = await until("it runs again", async () => {
      const state = await keeper.instance("web");
      return state.state === "running" && state;
    });
    assert.notEqual(seen.pid, pid);
    assert.equal(seen.restarts, 1);
  });

  it(
    "finds the process that the killed one had started and not yet written down",
    { skip: process.platform !== "linux" },
    async () => {
      await using keeper = await keeperUnderTest();
      await using orphan = await sleeper("echo up; exec sleep 600", { TIDEGATE_RUN: "mark-of-this-run" });
      await leaveRecord(keeper, { run: { mark: "mark-of-this-run", startedAt: 1 } });
      await keeper.start();
      assert.equal((await keeper.instance("web")).pid, orphan.pid);
    },
  );
});

describe("a keeper", () => {
  it("is the only one of its folder: a second one says who runs and ends", async () => {
    await using keeper = await keeperUnderTest();
    const first = await keeper.start();
    const second = runKeeperProgram(keeper.stateDir, keeper.file("second.txt"));
    const [code] = (await once(second, "exit")) as [number];
    const fault = JSON.parse(readFileSync(keeper.file("second.txt"), "utf8")) as { code: string; what: string };
    assert.equal(code, 3);
    assert.equal(fault.code, "keeper-runs-already");
    assert.match(fault.what, new RegExp(`process ${first.pid}`));
    assert.equal((await keeper.state()).pid, first.pid);
  });

  it("is the only one also when many start at once", async () => {
    await using keeper = await keeperUnderTest();
    const starters = Array.from({ length: 4 }, (_, n) => runKeeperProgram(keeper.stateDir, keeper.file(`${n}.txt`)));
    try {
      const ends = starters.map((starter) => once(starter, "exit"));
      await until("three have ended", () => starters.filter((starter) => starter.exitCode === 3).length === 3);
      const left = starters.find((starter) => starter.exitCode === null);
      const state = await until("the fourth answers", () => keeper.state().catch(() => null));
      assert.equal(state.pid, left?.pid);
      left?.kill("SIGKILL");
      await Promise.all(ends);
    } finally {
      for (const starter of starters) starter.kill("SIGKILL");
    }
  });

  it("does not mind a closed terminal, and SIGTERM ends it alone", async () => {
    await using keeper = await keeperUnderTest();
    const running = await keeper.start();
    const { pid = 0 } = await keeper.put({ id: "web", command: "exec sleep 600" });
    running.kill("SIGHUP");
    assert.equal((await keeper.instance("web")).pid, pid);
    await keeper.kill("SIGTERM");
    assert.equal(running.exitCode, 0);
    assert.notEqual(identify(pid), null);
    await keeper.start();
    assert.equal((await keeper.instance("web")).pid, pid);
  });

  it("that is told to stop ends everything, then itself, and leaves nothing to adopt", async () => {
    await using keeper = await keeperUnderTest();
    const running = await keeper.start();
    const { pid: web = 0 } = await keeper.put({ id: "web", command: "exec sleep 600" });
    const { pid: worker = 0 } = await keeper.put({ id: "worker", command: "exit 1" });
    const proxy = (await keeper.putProxy({ listeners: [{ host: "127.0.0.1", port: 0 }] })).proxy?.pid ?? 0;
    const ended = once(running, "exit");
    await keeper.call("/stop", { method: "POST" });
    assert.deepEqual(await ended, [0, null]);
    assert.deepEqual([identify(web), identify(worker), identify(proxy)], [null, null, null]);
    assert.deepEqual(keeper.record(), { format: 1, epoch: 0, proxy: null, instances: [] });
  });

  it("that can't open its control socket ends and leaves alive what it had adopted", async () => {
    await using keeper = await keeperUnderTest();
    await keeper.start();
    const { pid = 0 } = await keeper.put({ id: "web", command: "exec sleep 600" });
    await keeper.kill("SIGKILL");
    rmSync(`${keeper.stateDir}/keeper.sock`);
    mkdirSync(`${keeper.stateDir}/keeper.sock`);
    const started = runKeeperProgram(keeper.stateDir, keeper.file("output.txt"));
    await once(started, "exit");
    assert.match(readFileSync(keeper.file("output.txt"), "utf8"), /EADDRINUSE/);
    assert.notEqual(identify(pid), null);
  });

  it("refuses a record that it can't read instead of forgetting what lives", async () => {
    await using keeper = await keeperUnderTest();
    writeFileSync(`${keeper.stateDir}/keeper.json`, `{"format": 2}`);
    const started = runKeeperProgram(keeper.stateDir, keeper.file("output.txt"));
    await once(started, "exit");
    assert.match(readFileSync(keeper.file("output.txt"), "utf8"), /keeper-record-unreadable/);
  });
});

/** As a keeper would have left it that looked after one instance `web`. */
async function leaveRecord(keeper: KeeperUnderTest, life: Partial<Life>): Promise<void> {
  const record: KeeperRecord = {
    format: 1,
    epoch: 0,
    proxy: null,
    instances: [
      {
        spec: {
          id: "web",
          command: "exec sleep 600",
          directory: keeper.stateDir,
          env: { PATH: process.env["PATH"] ?? "" },
          labels: {},
          restart: "on-crash",
        },
        secretNames: [],
        life: { wanted: "running", restarts: 0, failuresInARow: 0, ...life },
      },
    ],
  };
  writeFileSync(`${keeper.stateDir}/keeper.json`, JSON.stringify(record));
}

interface Sleeper extends AsyncDisposable {
  readonly pid: number;
  readonly firstLine: string;
}

/** A process that is none of the keeper's. */
async function sleeper(command = "echo up; exec sleep 600", env: Record<string, string> = {}): Promise<Sleeper> {
  const child: ChildProcess = spawn("/bin/sh", ["-c", command], {
    detached: true,
    stdio: ["ignore", "pipe", "ignore"],
    env: { ...process.env, ...env },
  });
  const [line] = (await once(child.stdout ?? child, "data")) as [Buffer];
  return {
    pid: child.pid ?? 0,
    firstLine: line.toString(),
    async [Symbol.asyncDispose]() {
      const gone = child.exitCode === null && child.signalCode === null ? once(child, "exit") : null;
      child.kill("SIGKILL");
      await gone;
    },
  };
}

async function end(pid: number | undefined): Promise<void> {
  process.kill(pid ?? 0, "SIGKILL");
  await until("it has ended", () => identify(pid ?? 0) === null);
}
