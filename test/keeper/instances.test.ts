import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { describe, it } from "node:test";
import { Refusal } from "../../src/local/control-socket.ts";
import { shellCommand } from "../../src/local/shell-command.ts";
import { identify } from "../../src/local/process-identity.ts";
import { commandOf } from "../../src/local/process-table.ts";
import { until } from "../support/until.ts";
import { keeperUnderTest } from "./keeper-under-test.ts";

describe("an instance under the keeper", () => {
  it("is one process, however often and however quickly it is started", async () => {
    await using keeper = await keeperUnderTest();
    await keeper.start();
    const order = { id: "web", command: "echo started >> starts.txt; exec sleep 600" };
    const [first, second] = await Promise.all([keeper.put(order), keeper.put(order)]);
    const third = await keeper.put({ ...order, command: "exec sleep 601" });
    assert.equal(first.pid, second.pid);
    assert.equal(first.pid, third.pid);
    assert.equal(third.spec.command, order.command);
    await until("it has started", () => existsSync(keeper.file("starts.txt")));
    assert.equal(readFileSync(keeper.file("starts.txt"), "utf8"), "started\n");
  });

  it("gets the environment of its specification and nothing of the keeper's own", async () => {
    await using keeper = await keeperUnderTest();
    await keeper.start();
    await keeper.put({
      id: "web",
      command: "env > env.txt; mv env.txt seen.txt; exec sleep 600",
      env: { PATH: "/usr/bin:/bin", GREETING: "hello" },
    });
    await until("it has written its environment", () => existsSync(keeper.file("seen.txt")));
    const names = readFileSync(keeper.file("seen.txt"), "utf8")
      .split("\n")
      .filter(Boolean)
      .map((line) => line.split("=")[0])
      .filter((name) => !["PWD", "OLDPWD", "SHLVL", "_"].includes(name ?? ""));
    assert.deepEqual(new Set(names), new Set(["GREETING", "PATH", "TIDEGATE_RUN"]));
  });

  it("is started again after a crash, each time after a longer wait, and the crashes are counted", async () => {
    await using keeper = await keeperUnderTest();
    await keeper.start();
    await keeper.put({ id: "web", command: "exit 7" });
    const seen = await until("four crashes", async () => {
      const state = await keeper.instance("web");
      return state.restarts >= 4 && state;
    });
    assert.deepEqual({ code: seen.lastExit?.code, signal: seen.lastExit?.signal }, { code: 7, signal: null });
    const waits = [...keeper.said().matchAll(/web exited with code 7 .*again in (\d+)ms/g)].map((match) =>
      Number(match[1]),
    );
    assert.deepEqual(waits.slice(0, 4), [40, 80, 160, 320]);
  });

  it("keeps the signal that ended it", async () => {
    await using keeper = await keeperUnderTest();
    await keeper.start();
    const { pid } = await keeper.put({ id: "web", command: "sleep 600" });
    process.kill(pid ?? 0, "SIGSEGV");
    const seen = await until("it runs again", async () => {
      const state = await keeper.instance("web");
      return state.restarts === 1 && state.state === "running" && state;
    });
    assert.equal(seen.lastExit?.signal, "SIGSEGV");
    assert.notEqual(seen.pid, pid);
  });

  it("takes the shell's place where its line is one command, and is run by the shell where it is more", async () => {
    await using keeper = await keeperUnderTest();
    await keeper.start();
    const env = { PATH: process.env["PATH"] ?? "", SECONDS: "600" };
    const single = await keeper.put({ id: "single", command: 'sleep "${SECONDS}"', env });
    await until("it is itself", () => commandOf(single.pid ?? 0) === "sleep 600");
    const double = await keeper.put({ id: "double", command: "cd / && sleep 600" });
    assert.equal(commandOf(double.pid ?? 0), "/bin/sh -c cd / && sleep 600");
    for (const line of ["cd /srv", "A=1 node x", "exec node x", "if true; then x; fi", '"/a b/run" x', "(node x)"]) {
      assert.equal(shellCommand(line), line);
    }
    assert.equal(shellCommand(" npm run start -- --port 80 "), "exec npm run start -- --port 80");
  });

  it("that was stopped on purpose has not crashed and stays stopped", async () => {
    await using keeper = await keeperUnderTest();
    await keeper.start();
    const { pid } = await keeper.put({ id: "web", command: "exec sleep 600" });
    const stopped = await keeper.stop("web");
    assert.equal(identify(pid ?? 0), null);
    assert.equal(stopped.state, "exited");
    assert.equal(stopped.restarts, 0);
    assert.equal(stopped.lastExit?.signal, "SIGTERM");
    assert.equal(keeper.record().instances[0]?.life.wanted, "stopped");
  });

  it("can be started again after it was stopped, as it is asked for then", async () => {
    await using keeper = await keeperUnderTest();
    await keeper.start();
    await keeper.put({ id: "web", command: "exec sleep 600" });
    await keeper.stop("web");
    const again = await keeper.put({ id: "web", command: "exec sleep 601" });
    assert.equal(again.state, "running");
    assert.equal(again.spec.command, "exec sleep 601");
  });

  it("is gone only when a grandchild that ignores SIGTERM is gone too", async () => {
    await using keeper = await keeperUnderTest();
    await keeper.start();
    const stubborn = `(trap '' TERM; sh -c 'echo $$ > grandchild.pid; sleep 600'; sleep 600) & wait`;
    await keeper.put({ id: "web", command: stubborn });
    const grandchild = await pidFrom(keeper.file("grandchild.pid"));
    const stopped = await keeper.stop("web", 200);
    assert.equal(identify(grandchild), null);
    assert.equal(stopped.wasKilled, true, "which is said");
  });

  it("is stopped without being killed when it ends by itself", async () => {
    await using keeper = await keeperUnderTest();
    await keeper.start();
    await keeper.put({ id: "web", command: "exec sleep 600" });
    assert.equal((await keeper.stop("web", 5_000)).wasKilled, undefined);
  });

  it("is gone only when a child in a session of its own is gone too", async () => {
    await using keeper = await keeperUnderTest();
    await keeper.start();
    await keeper.put({
      id: "web",
      command: "setsid sh -c 'echo $$ > child.pid; trap \"\" TERM; sleep 600; sleep 600' & wait",
    });
    const child = await pidFrom(keeper.file("child.pid"));
    await keeper.stop("web", 200);
    assert.equal(identify(child), null);
  });

  it("leaves no children behind when it crashes: they would still hold its port", async () => {
    await using keeper = await keeperUnderTest();
    await keeper.start();
    await keeper.put({
      id: "web",
      command: "if [ -e child.pid ]; then exec sleep 600; fi; sleep 600 & echo $! > child.pid; exit 1",
    });
    await until("it runs again", async () => {
      const { restarts, state } = await keeper.instance("web");
      return restarts === 1 && state === "running";
    });
    assert.equal(identify(await pidFrom(keeper.file("child.pid"))), null);
  });

  it("whose folder does not exist is refused, and not tried again", async () => {
    await using keeper = await keeperUnderTest();
    await keeper.start();
    await assert.rejects(
      keeper.put({ id: "web", command: "exec sleep 600", directory: keeper.file("nowhere") }),
      (error: unknown) => {
        assert.ok(error instanceof Refusal);
        assert.equal(error.fault.code, "instance-not-started");
        assert.equal(error.fault.where, keeper.file("nowhere"));
        return true;
      },
    );
    assert.deepEqual((await keeper.state()).instances, []);
  });

  it("tells what its whole family uses", { skip: process.platform !== "linux" }, async () => {
    await using keeper = await keeperUnderTest();
    await keeper.start();
    await keeper.put({ id: "idle", command: "exec sleep 600" });
    await keeper.put({ id: "busy", command: `node -e 'for (;;);' & node -e 'for (;;);' & wait` });
    const busy = await until("the busy one is busy", async () => {
      const usage = (await keeper.instance("busy")).usage;
      return usage !== undefined && usage.cpu > 0.3 && usage.rssBytes > 40e6 && usage;
    });
    const idle = (await keeper.instance("idle")).usage;
    assert.ok(idle !== undefined && idle.cpu < busy.cpu);
    assert.ok(idle.openFiles >= 3);
    assert.ok(busy.memory > 0 && busy.memory < 1);
  });

  it("is not touched by an engine whose time is over", async () => {
    await using keeper = await keeperUnderTest();
    await keeper.start();
    await keeper.put({ id: "web", command: "exec sleep 600" });
    await keeper.call("/claim", { method: "POST", body: { epoch: 5 } });
    const stale = { "x-tidegate-epoch": "4" };
    const refusedAsStale = (error: unknown): boolean =>
      error instanceof Refusal && error.status === 412 && error.fault.code === "stale-epoch";
    await assert.rejects(keeper.call("/instances/web", { method: "DELETE", headers: stale }), refusedAsStale);
    await assert.rejects(keeper.call("/claim", { method: "POST", body: { epoch: 4 } }), refusedAsStale);
    assert.equal((await keeper.instance("web")).state, "running");
    await keeper.kill("SIGKILL");
    await keeper.start();
    await assert.rejects(keeper.call("/claim", { method: "POST", body: { epoch: 4 } }), refusedAsStale);
    await keeper.call("/instances/web?graceMs=1000", { method: "DELETE", headers: { "x-tidegate-epoch": "5" } });
    // One whose claim was lost is the newest all the same.
    await keeper.call("/instances/web?graceMs=1000", { method: "DELETE", headers: { "x-tidegate-epoch": "7" } });
    await assert.rejects(keeper.call("/claim", { method: "POST", body: { epoch: 6 } }), refusedAsStale);
    assert.equal((await keeper.instance("web")).state, "exited");
  });
});

async function pidFrom(path: string): Promise<number> {
  return until(`${path} holds a pid`, () => (existsSync(path) && Number(readFileSync(path, "utf8").trim())) || null);
}
