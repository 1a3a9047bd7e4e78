import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { closeSync, mkdirSync, openSync, rmSync, writeSync } from "node:fs";
import { after, before, describe, it } from "node:test";
import { until } from "../support/until.ts";
import { type App, createApp } from "./support/app.ts";
import type { Command } from "./support/command.ts";
import { assertToldLate, documentOf, HALF, releaseTo50 } from "./support/emergency.ts";
import { faultOf, releaseWell } from "./support/release.ts";
import type { Behaviour } from "./support/server-source.ts";
import { visit } from "./support/visitors.ts";

const opened = new AsyncDisposableStack();
after(() => opened.disposeAsync());

describe("when the disk takes nothing more", { skip: cannotMount() }, () => {
  let app: App;
  let engine: Command;
  let version = 0;
  let disk: string;

  before(async () => {
    app = opened.use(await createApp());
    disk = app.file(".tidegate");
    mkdirSync(disk);
    mount("-t", "tmpfs", "-o", "size=24m,mode=700", "tidegate-test", disk);
    opened.defer(() => void spawnSync("umount", ["--lazy", disk]));
    app.plan(HALF);
    app.version({ name: "v0" });
    await releaseWell(app);
  });

  const hold = async (behaviour: Behaviour): Promise<void> => {
    engine = await releaseTo50(app, behaviour);
  };
  const nextName = (): string => `v${(version += 1)}`;

  it("a full one: a bad version is put back by the engine all the same; the rest follows when there is room", async () => {
    await hold({ name: nextName(), fails: 0.5 });
    const room = fill(disk);
    await using people = visit(app.port);
    const plane = await until("traffic is back", async () => {
      const now = await app.plane();
      return now.table?.share === 0 ? now : undefined;
    });
    assert.equal(plane.table?.emergency?.by, null);
    await people.sample(20);
    assert.deepEqual(people.visits.failures, []);
    room();
    const ended = await engine.ended;
    assert.equal(ended.code, 10, ended.stdout + ended.stderr);
    await assertToldLate(app, null);
  });

  it("a full one: rollback --now needs no room, and writes down what it did all the same", async () => {
    await hold({ name: nextName() });
    const room = fill(disk);
    const done = documentOf(await app.tidegate(["rollback", "--now", "--json"]), 10);
    assert.equal(done.type, "put-back");
    assert.equal(done["recorded"], true, "its place was taken beforehand");
    assert.equal((await app.plane()).table?.share, 0);
    // The engine that was put aside can't begin anew without its journal.
    const ended = await engine.ended;
    assert.equal(ended.code, 12, ended.stdout + ended.stderr);
    assert.equal(done["unwritable"], "full", "which it was told beforehand");
    assert.match(ended.stderr, /stops acting/);
    const { code, what, fix } = faultOf(ended);
    assert.equal(code, "journal-unavailable");
    assert.match(what, /^It can't begin anew\. The journal can't be written: the disk is full\.$/);
    assert.match(fix ?? "", /^make room [^]*\nthen: tidegate attach$/);
    room();
    assert.equal((await app.tidegate(["attach"])).code, 10);
    await assertToldLate(app, "ann");
  });

  it("not even what was reserved can be written: the data plane itself tells the next engine", async () => {
    await hold({ name: nextName() });
    engine.kill("SIGKILL");
    await engine.ended;
    rmSync(app.file(".tidegate", "emergency.log"));
    const room = fill(disk);
    const done = documentOf(await app.tidegate(["rollback", "--now", "--json"]), 10);
    assert.equal(done.type, "put-back");
    assert.equal(done["recorded"], false);
    assert.equal((done["notRecorded"] as { readonly code: string }).code, "emergency-not-recorded");
    room();
    assert.equal((await app.tidegate(["attach"])).code, 10);
    await assertToldLate(app, "ann");
    await app.down();
  });
});

/** Fills a disk to the last byte; call what it answers for room. */
function fill(folder: string): () => void {
  const path = `${folder}/filler`;
  const file = openSync(path, "w");
  try {
    for (let size = 1 << 20; size >= 1;) {
      try {
        if (writeSync(file, Buffer.alloc(size)) < size) size >>= 1;
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== "ENOSPC") throw error;
        size >>= 1;
      }
    }
  } finally {
    closeSync(file);
  }
  return () => rmSync(path);
}

function mount(...args: readonly string[]): void {
  const { status, stderr } = spawnSync("mount", args, { encoding: "utf8" });
  assert.equal(status, 0, stderr);
}

/** Why these can't be tried here; false: they can. */
function cannotMount(): string | false {
  if (process.platform !== "linux" || process.getuid?.() !== 0) return "only root on Linux can mount a small disk";
  const folder = `/tmp/tidegate-mount-${process.pid}`;
  mkdirSync(folder);
  const { status } = spawnSync("mount", ["-t", "tmpfs", "-o", "size=64k", "tidegate-test", folder]);
  if (status === 0) spawnSync("umount", [folder]);
  rmSync(folder, { recursive: true });
  return status === 0 ? false : "nothing can be mounted here";
}
