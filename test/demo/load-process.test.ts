import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import { describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { FaultError } from "../../src/core/fault.ts";
import type { LoadReportFile } from "../../src/demo/load.ts";
import { startLoad } from "../../src/demo/load-process.ts";
import type { LoadSecond } from "../../src/demo/load-report.ts";
import { USUAL_LOAD } from "../../src/demo/run-load.ts";
import { verifyOrders } from "../../src/demo/verify-orders.ts";
import { identify } from "../../src/local/process-identity.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";
import { until } from "../support/until.ts";
import { ShopProcess } from "./running-shop.ts";

const LOAD = fileURLToPath(new URL("../../src/demo/load.ts", import.meta.url));

describe("the load process", () => {
  it("tells each second, ends when asked, and leaves a report with every accepted order", async () => {
    await using folder = temporaryFolder();
    await using shop = new ShopProcess("server.ts", folder.path);
    const seconds: LoadSecond[] = [];
    const store = folder.file("shop.db");
    const load = startLoad(
      { ...USUAL_LOAD, url: await shop.url(), requestsPerSecond: 150, webSockets: 2, eventStreams: 1, store },
      (second) => seconds.push(second),
      { reportFile: folder.file("report.json") },
    );
    await until("two seconds of load", () => seconds.length >= 2);
    const report = await load.stop();
    assert.equal(report.failedRequests, 0, JSON.stringify(report.firstFailures));
    assert.ok(report.requests >= (seconds.at(-1)?.totals.requests ?? 0));
    assert.equal(report.orders.lost, 0);
    const file = JSON.parse(readFileSync(folder.file("report.json"), "utf8")) as LoadReportFile;
    const { accepted, ...same } = file;
    assert.deepEqual(same, report);
    const check = verifyOrders(store, new Map(Object.entries(accepted)));
    assert.deepEqual([check.accepted, check.found], [report.orders.accepted, report.orders.accepted]);
  });

  it("says what is wrong with its arguments, and with a store that is not there", async () => {
    const wrong = startLoad({ ...USUAL_LOAD, url: "https://shop.example.com" });
    await assert.rejects(wrong.finished, (error) => {
      assert.ok(error instanceof FaultError);
      assert.match(error.fault.cause ?? "", /--url says where the shop is/);
      return true;
    });
    await using folder = temporaryFolder();
    await using shop = new ShopProcess("server.ts", folder.path);
    const quiet = { ...USUAL_LOAD, url: await shop.url(), requestsPerSecond: 10, webSockets: 0, eventStreams: 0 };
    const report = await startLoad({ ...quiet, store: folder.file("none.db") }, undefined, { seconds: 0.2 }).finished;
    assert.equal(report.orders.lost, null);
    assert.match(report.orders.notChecked ?? "", /store is not there/);
  });

  it("does not outlive whoever started it", async () => {
    await using folder = temporaryFolder();
    await using shop = new ShopProcess("server.ts", folder.path);
    const args = JSON.stringify([LOAD, "--url", await shop.url(), "--rate", "20", "--web-sockets", "1"]);
    const starter = spawn(
      process.execPath,
      [
        "-e",
        `const load = require("child_process").spawn(process.execPath, ${args}); console.log(load.pid); load.stdout.pipe(process.stderr)`,
      ],
      { stdio: ["ignore", "pipe", "pipe"] },
    );
    const [pid] = (await once(starter.stdout, "data")) as [Buffer];
    const load = identify(Number(pid.toString("utf8")));
    assert.ok(load !== null);
    await once(starter.stderr, "data");
    starter.kill("SIGKILL");
    await until("the load has ended", () => identify(load.pid)?.startTicks !== load.startTicks);
  });
});

describe("the check of accepted orders", () => {
  it("finds orders that are lost, doubled or different", async () => {
    await using folder = temporaryFolder();
    const store = folder.file("shop.db");
    const database = new DatabaseSync(store);
    database.exec("CREATE TABLE orders (id TEXT, total INTEGER)");
    database.exec(
      "INSERT INTO orders VALUES ('well', 100), ('twice', 200), ('twice', 200), ('dearer', 301), ('other', 1)",
    );
    database.close();
    const accepted = new Map([
      ["well", 100],
      ["twice", 200],
      ["dearer", 300],
      ["gone", 400],
    ]);
    assert.deepEqual(verifyOrders(store, accepted), {
      accepted: 4,
      found: 1,
      lost: ["gone"],
      doubled: ["twice"],
      different: ["dearer"],
    });
  });
});
