import assert from "node:assert/strict";
import { mkdirSync, readdirSync, readFileSync, symlinkSync, unlinkSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, it } from "node:test";
import { environmentOf, listProcesses } from "../../src/local/process-table.ts";
import { until } from "../support/until.ts";
import { type KeeperUnderTest, keeperUnderTest } from "./keeper-under-test.ts";

/** Writes 1, 2, 3, … as fast as `sleep` lets it, and ends when it can't write. */
const COUNTING = `exec ${process.execPath} -e '
  let n = 0;
  setInterval(() => process.stdout.write(++n + " " + "x".repeat(2000) + "\\n"), 5)'`;

describe("what an instance writes", () => {
  it("reaches its log whole while keeper and log writer are killed", async () => {
    await using keeper = await keeperUnderTest();
    await keeper.start();
    const { logFile, pid } = await keeper.put({ id: "web", command: COUNTING });
    const numbers = (): number[] => numbersIn(logFile);
    await until("it has written", () => numbers().length > 20);

    const first = await writerOf(keeper, "web");
    process.kill(first, "SIGKILL");
    // What is left of the killed one may still write for a moment.
    await until("another writer is there", async () => (await writerOf(keeper, "web")) !== first);
    const atKill = numbers().length;
    await until("it goes on", () => numbers().length > atKill + 20);

    await keeper.kill("SIGKILL");
    const withoutKeeper = numbers().length;
    await until("it goes on without a keeper", () => numbers().length > withoutKeeper + 20);

    process.kill(await writerOf(keeper, "web"), "SIGKILL");
    await keeper.start();
    const adopted = numbers().length;
    await until("the next keeper has started another writer", () => numbers().length > adopted + 20);
    assert.equal((await keeper.instance("web")).pid, pid, "it was never started again");
    await keeper.stop("web");
    const all = numbers();
    assert.deepEqual(
      all,
      all.map((_, n) => n + 1),
    );
  });

  it("is lost when the disk is full, and it lives on; its log says so as soon as there is room", async () => {
    await using keeper = await keeperUnderTest();
    await keeper.start();
    const path = join(keeper.stateDir, "logs", "web.log");
    mkdirSync(dirname(path), { recursive: true });
    symlinkSync("/dev/full", path);
    const { pid } = await keeper.put({ id: "web", command: COUNTING });
    const { pid: alive } = await keeper.put({ id: "other", command: COUNTING });
    const other = join(keeper.stateDir, "logs", "other.log");
    // 100 × 2 KB are more than a pipe holds: the one who wrote them did not wait for the disk.
    await until("it has long written", () => numbersIn(other).length > 100);
    unlinkSync(path);
    await until("there is room again", () => numbersIn(path).length > 20);
    assert.deepEqual([(await keeper.instance("web")).pid, (await keeper.instance("other")).pid], [pid, alive]);
    const text = readFileSync(path, "utf8");
    assert.match(text, /^tidegate: output is missing here, it could not be written\n/);
    assert.ok((numbersIn(path)[0] ?? 0) > 50, "it went on counting meanwhile");
  });

  it("is all in the log when it has just ended, and nothing is left of the writer", async () => {
    await using keeper = await keeperUnderTest();
    await keeper.start();
    const { logFile } = await keeper.put({
      id: "web",
      command: `i=0; while [ $i -lt 2000 ]; do i=$((i+1)); echo "line $i"; done; exit 3`,
      restart: "never",
    });
    await until("it has ended", async () => (await keeper.instance("web")).state === "exited");
    const { lines } = await keeper.call<{ lines: string[] }>("/instances/web/log?lines=1");
    assert.deepEqual(lines, ["line 2000"]);
    await until("its pipe is gone", () => readdirSync(dirname(logFile)).every((name) => !name.endsWith(".pipe")));
    assert.equal(marked(keeper.record().instances[0]?.life.run?.mark).length, 0);
  });
});

function numbersIn(path: string): number[] {
  try {
    return [...readFileSync(path, "utf8").matchAll(/^(\d+) x{2000}$/gm)].map(([, n]) => Number(n));
  } catch {
    return [];
  }
}

async function writerOf(keeper: KeeperUnderTest, id: string): Promise<number> {
  const mark = keeper.record().instances.find(({ spec }) => spec.id === id)?.life.run?.mark;
  return until("its log has a writer", () => marked(mark)[0]);
}

/** The heads of the processes that write the log of this run. */
function marked(mark: string | undefined): number[] {
  const rows = listProcesses().filter(
    ({ pid, group, isZombie }) => pid === group && !isZombie && environmentOf(pid)["TIDEGATE_LOG_OF"] === mark,
  );
  return rows.map(({ pid }) => pid);
}
