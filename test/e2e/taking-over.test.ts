import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { after, before, describe, it } from "node:test";
import { freePort } from "../../src/adapters/runtime/free-port.ts";
import { until } from "../support/until.ts";
import { lookAlikePlace, unpack, visitLookAlike } from "./support/look-alike.ts";
import type { PublishedPlace } from "./support/published-place.ts";
import { lastStatus, untilShare } from "./support/release.ts";

describe("a service that runs already, taken over with --adopt", () => {
  let place: PublishedPlace;
  let running: ChildProcess;
  let port = 0;

  before(async () => {
    place = await lookAlikePlace(["2.0.0"]);
    unpack("1.0.0", place.file("by-hand"));
    port = await freePort(new Set([place.port]));
    running = spawn(process.execPath, ["by-hand/package/server.js", "--userDir", "user", "--port", String(port)], {
      cwd: place.folder,
      stdio: "ignore",
    });
    await until("it is ready", async () => {
      const answer = await fetch(`http://127.0.0.1:${port}/ready`).catch(() => null);
      return answer?.ok;
    });
  });
  after(async () => {
    running.kill("SIGKILL");
    await place[Symbol.asyncDispose]();
  });

  it("serves through the front door while the new version is made, hands over without a failed request, and is stopped", async () => {
    const wrong = await place.tidegate(["release", "2.0.0", "--adopt", "127.0.0.1:1"]);
    assert.equal(wrong.code, 3);
    assert.match(wrong.stderr, /nothing listens at 127\.0\.0\.1:1/);
    assert.match(wrong.stderr, /after "retire" there is no way back to it/);

    const gone = once(running, "exit");
    const release = place.start(["release", "2.0.0", "--adopt", `127.0.0.1:${port}`, "--json"]);
    await release.says("the front door leads to it", ({ type, key }) => {
      return type === "effect-confirmed" && String(key).endsWith("/take-over");
    });
    await using visitors = visitLookAlike(place.port);
    await visitors.connected();
    await untilShare(release, 100);
    const { code, stdout, stderr } = await release.ended;
    assert.equal(code, 0, stdout + stderr);
    assert.deepEqual(await gone, [0, null], "it was told to stop, and not killed");
    await visitors.more(100);
    const seen = await visitors.leave();
    assert.deepEqual(seen.failures, []);
    assert.deepEqual(Object.keys(seen.versions), ["1.0.0", "2.0.0"]);
    assert.equal(seen.fellBack, 0);
    assert.deepEqual(lastStatus({ stdout, stderr }).leftRunning, []);
  });

  it("can't be gone back to, and the answer says so instead of trying", async () => {
    const back = await place.tidegate(["rollback", "--yes"]);
    assert.equal(back.code, 3, back.stdout + back.stderr);
    assert.match((await place.tidegate(["status"])).stdout, /^ {2}undo {2}Not possible: adopted /m);
    assert.match(back.stderr, /was retired, and Tidegate can't start again what it did not start/);
    assert.equal((await fetch(`http://127.0.0.1:${place.port}/settings`)).status, 200);
    await place.down();
  });
});
