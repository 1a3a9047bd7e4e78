import assert from "node:assert/strict";
import {
  closeSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import type { LoadProcess } from "../../src/demo/load-process.ts";
import { untilShare } from "../e2e/support/release.ts";
import { until } from "../support/until.ts";
import { openShop, type Shop } from "./support/shop.ts";

const FAILING_DISK = fileURLToPath(new URL("support/failing-disk.ts", import.meta.url));

let shop: Shop;
let load: LoadProcess;
const opened = new AsyncDisposableStack();
after(() => opened.disposeAsync());

before(async () => {
  shop = opened.use(await openShop());
  const first = await shop.tidegate(["release", shop.versions.v1]);
  assert.equal(first.code, 0, first.stdout + first.stderr);
  load = shop.open();
});

describe("a disk that takes nothing more in the middle of a release", () => {
  const versions = ["v2", "v1"] as const;
  for (const [index, how] of (["full", "io"] as const).entries()) {
    it(`${how}: the release waits, says why, and ends as it would have once the disk takes again`, async () => {
      const failing = join(shop.folder, "failing-disk");
      const engine = shop.start(["release", shop.versions[versions[index] ?? "v2"]], {
        env: { FAILING_DISK: failing },
        node: ["--import", FAILING_DISK],
      });
      await untilShare(engine, 20);
      writeFileSync(failing, how);
      const fault = await until("status says why", async () => (await shop.status()).fault);
      assert.equal(fault.code, "journal-unavailable");
      assert.match(fault.cause ?? "", how === "full" ? /full/ : /I\/O/);
      rmSync(failing);
      const { code, stdout, stderr } = await engine.ended;
      assert.equal(code, 0, stdout + stderr);
      assert.equal((await shop.status()).state, "closed");
    });
  }
});

describe("a journal whose end was torn when the machine lost its power", () => {
  it("goes on from the last event that is whole", async () => {
    const engine = shop.start(["release", shop.versions.v2]);
    await untilShare(engine, 20);
    engine.kill("SIGKILL");
    await engine.ended;
    const wal = shop.state.file("journal.db-wal");
    const { size } = statSync(wal);
    assert.ok(size > 4_096, `${size} bytes wait in the log`);
    // Half of the last page is there, and what is there of it is not what was written.
    truncateSync(wal, size - 1_000);
    const handle = openSync(wal, "r+");
    writeSync(handle, Buffer.alloc(500, 0xff), 0, 500, size - 2_000);
    closeSync(handle);
    const attached = await shop.tidegate(["attach"]);
    assert.equal(attached.code, 0, attached.stdout + attached.stderr);
    assert.equal((await shop.status()).state, "closed");
  });

  it("says so, and touches nothing, where the damage is in what was whole", async () => {
    assert.equal((await shop.tidegate(["status"])).code, 0);
    const journal = shop.state.file("journal.db");
    const whole = readFileSync(journal);
    writeFileSync(journal, Buffer.concat([whole.subarray(0, 8_192), Buffer.alloc(whole.length - 8_192, 0xa5)]));
    rmSync(`${journal}-wal`, { force: true });
    rmSync(`${journal}-shm`, { force: true });
    const { code, stdout, stderr } = await shop.tidegate(["status"]);
    assert.equal(code, 12, stdout + stderr);
    const { fault } = JSON.parse(stdout + stderr) as { fault: { code: string; what: string; fix?: string } };
    assert.equal(fault.code, "journal-damaged");
    assert.match(fault.what, /damaged/);
    assert.ok(fault.fix !== undefined);
  });

  it("begins a new journal beside what serves once the damaged one is out of the way", async () => {
    renameSync(shop.state.file("journal.db"), join(shop.folder, "damaged.db"));
    const unasked = await shop.tidegate(["release", shop.versions.v1]);
    assert.match(unasked.stdout, /"code":"confirmation-missing"/, "what serves is not begun anew over without a word");
    const { code, stdout, stderr } = await shop.tidegate(["release", shop.versions.v1, "--yes"]);
    assert.equal(code, 0, stdout + stderr);
    const { state, release } = await shop.status();
    assert.deepEqual({ state, release }, { state: "closed", release: 1 });
  });
});

it("no customer noticed any of it", async () => {
  const report = await shop.close(load);
  assert.equal(report.failedRequests, 0, JSON.stringify(report.firstFailures, null, 1));
  assert.equal(report.orders.lost, 0);
});
