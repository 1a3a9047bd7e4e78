import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import type { DemoResult } from "../../src/demo/result.ts";
import { commandOf, environmentOf, listProcesses } from "../../src/local/process-table.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";
import { until } from "../support/until.ts";

const MAIN = fileURLToPath(new URL("../../src/main.ts", import.meta.url));

/** `tidegate demo` with a temporary folder of its own, so that everything it might leave behind is found there. */
class RunningDemo implements AsyncDisposable {
  readonly lines: string[] = [];
  readonly child: ChildProcess;
  readonly ended: Promise<number | null>;
  readonly #folder: string;
  #errors = "";

  constructor(folder: string, ...words: string[]) {
    this.#folder = folder;
    this.child = spawn(process.execPath, [MAIN, "demo", ...words], {
      cwd: folder,
      env: { ...process.env, TMPDIR: folder },
      stdio: ["ignore", "pipe", "pipe"],
    });
    const { stdout, stderr } = this.child;
    assert.ok(stdout !== null && stderr !== null);
    createInterface({ input: stdout }).on("line", (line) => this.lines.push(line));
    stderr.on("data", (data: Buffer) => (this.#errors += data.toString("utf8")));
    this.ended = once(this.child, "close").then(([code]) => code as number | null);
  }

  get errors(): string {
    return this.#errors;
  }

  documents(): readonly Record<string, unknown>[] {
    return this.lines.map((line) => JSON.parse(line) as Record<string, unknown>);
  }

  /** Resolves once the customers are there: from then on there is everything that could be left behind. */
  async customersCome(): Promise<void> {
    await until("customers come", () => this.lines.some((line) => line.includes("Customers come")), 60_000);
  }

  /** Command lines of the processes that still live in the demo's folder. */
  left(): readonly string[] {
    return listProcesses()
      .filter(({ pid, isZombie }) => !isZombie && pid !== this.child.pid && this.#isOurs(pid))
      .map(({ pid }) => `${pid} ${commandOf(pid)}`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.child.kill("SIGKILL");
    await this.ended;
    for (const { pid } of listProcesses()) {
      if (this.#isOurs(pid)) process.kill(pid, "SIGKILL");
    }
  }

  #isOurs(pid: number): boolean {
    return (
      environmentOf(pid)["SHOP_DATA"]?.startsWith(this.#folder) === true || commandOf(pid, 4_000).includes(this.#folder)
    );
  }
}

function nothingIsLeft(demo: RunningDemo, folder: string): void {
  assert.deepEqual(demo.left(), []);
  // Node's own, kept for the next start of any program.
  const names = readdirSync(folder).filter((name) => name !== "node-compile-cache");
  assert.deepEqual(names, []);
}

describe("tidegate demo", () => {
  it("promotes the good version and puts the bad one back, with no request failed and no order lost", async () => {
    await using folder = temporaryFolder();
    await using demo = new RunningDemo(folder.path, "--json");
    const code = await demo.ended;
    const documents = demo.documents();
    const result = documents.at(-1) as unknown as DemoResult;
    const said = JSON.stringify([result, documents.filter(({ type }) => type === "demo-problem"), demo.errors]);
    assert.deepEqual(Object.keys(result), [
      "type",
      "good",
      "bad",
      "requests",
      "failedRequests",
      "appErrors",
      "lostOrders",
      "rollbackMs",
      "exposedPercent",
    ]);
    const { type, good, bad, failedRequests, lostOrders } = result;
    assert.deepEqual(
      { type, good, bad, failedRequests, lostOrders },
      { type: "demo-finished", good: "promoted", bad: "rolled-back", failedRequests: 0, lostOrders: 0 },
      said,
    );
    assert.equal(code, 0, said);
    assert.ok(Number(result.requests) > 1_000, said);
    assert.ok(Number(result.appErrors) >= 3, said);
    assert.equal(typeof result.rollbackMs, "number", said);
    assert.ok(Number(result.exposedPercent) > 0 && Number(result.exposedPercent) < 60, said);

    // The result is what the releases themselves told.
    const decided = documents.filter(({ type }) => type === "rollback-decided");
    assert.deepEqual(
      decided.map(({ release }) => release),
      [3],
    );
    const closed = documents.filter(({ type }) => type === "closed").map(({ release }) => release);
    assert.deepEqual(closed, [1, 2]);
    nothingIsLeft(demo, folder.path);
  });

  it("stops everything at Ctrl-C, and leaves neither process nor folder", async () => {
    await using folder = temporaryFolder();
    await using demo = new RunningDemo(folder.path);
    await demo.customersCome();
    assert.notDeepEqual(demo.left(), []);
    demo.child.kill("SIGINT");
    assert.equal(await demo.ended, 130);
    assert.equal(demo.lines.at(-1), "Stopped, with everything that the demo had started.");
    nothingIsLeft(demo, folder.path);
  });

  it("gives up plainly when the customers' process dies, and leaves nothing either", async () => {
    await using folder = temporaryFolder();
    await using demo = new RunningDemo(folder.path, "--json");
    await demo.customersCome();
    const load = listProcesses().find(({ pid }) => commandOf(pid, 4_000).includes(`--store ${folder.path}`));
    assert.ok(load !== undefined);
    process.kill(load.pid, "SIGKILL");
    assert.equal(await demo.ended, 12);
    const { fault } = demo.documents().at(-1) as { readonly fault: { readonly code: string } };
    assert.equal(fault.code, "load-ended");
    nothingIsLeft(demo, folder.path);
  });

  it("goes on with a release whose controller is killed, and no request fails for it", async () => {
    await using folder = temporaryFolder();
    await using demo = new RunningDemo(folder.path, "--json");
    const has = (sentence: string): boolean => demo.lines.some((line) => line.includes(sentence));
    await until("v2 has customers", () => has("of the customers get v2"), 90_000);
    const controller = listProcesses().find(
      ({ pid, parent }) => parent === demo.child.pid && commandOf(pid, 4_000).includes("release v2"),
    );
    assert.ok(controller !== undefined);
    process.kill(controller.pid, "SIGKILL");
    await until("somebody else goes on", () => has("A new controller goes on with the release"), 30_000);
    const news = demo.documents().find(({ sentence }) => String(sentence).startsWith("A new controller"));
    assert.match(String(news?.["sentence"]), /Failed requests so far: 0\./);
    demo.child.kill("SIGTERM");
    assert.equal(await demo.ended, 130);
    nothingIsLeft(demo, folder.path);
  });

  it("plays in no folder that holds something else", async () => {
    await using folder = temporaryFolder();
    mkdirSync(folder.file("mine"));
    writeFileSync(folder.file("mine", "letter.txt"), "keep me");
    await using demo = new RunningDemo(folder.path, "--folder", folder.file("mine"));
    assert.equal(await demo.ended, 2);
    assert.match(demo.errors, /The folder for the demo is not empty\./);
    assert.deepEqual(readdirSync(folder.file("mine")), ["letter.txt"]);
  });
});
