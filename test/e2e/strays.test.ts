import assert from "node:assert/strict";
import { renameSync } from "node:fs";
import { after, before, it } from "node:test";
import { until } from "../support/until.ts";
import { type App, createApp } from "./support/app.ts";
import { documentOf, HALF, releaseTo50 } from "./support/emergency.ts";
import { releaseWell } from "./support/release.ts";

let app: App;
/** Of the candidate whose release nobody knows any more. */
let stray = "";
const opened = new AsyncDisposableStack();
after(() => opened.disposeAsync());

/** A release is killed at half of the traffic, its traffic put back by the data plane alone, and its journal lost. */
before(async () => {
  app = opened.use(await createApp());
  app.plan(HALF);
  app.version({ name: "v0" });
  await releaseWell(app);
  const engine = await releaseTo50(app, { name: "v1" });
  engine.kill("SIGKILL");
  await engine.ended;
  documentOf(await app.tidegate(["rollback", "--now", "--json"]), 10);
  stray = (await app.plane()).table?.candidate?.instances[0]?.id ?? "";
  assert.match(stray, /^web-green-0-/);
  for (const name of ["journal.db", "journal.db-wal", "journal.db-shm"])
    renameSync(app.state.file(name), app.file(`lost-${name}`));
});

async function running(): Promise<readonly string[]> {
  return (await app.keeper()).instances.filter(({ state }) => state === "running").map(({ spec }) => spec.id);
}

it("doctor names the candidate of a lost journal, and says how to stop it", async () => {
  const { stdout } = await app.tidegate(["doctor"]);
  assert.match(
    stdout.replaceAll(/\s+/g, " "),
    new RegExp(`! ${stray} runs, is of a version that no release here knows, .* tidegate down --strays`),
  );
});

it("the next release goes on beside it, unhindered, and status tells of it", async () => {
  app.plan(
    HALF.replace("for: 10m", "for: 300ms").replace(/guards: .*/, "guards: { errors: off, p95: off, restarts: off }"),
  );
  app.version({ name: "v2" });
  await releaseWell(app, "--yes");
  assert.equal(await (await fetch(`http://127.0.0.1:${app.port}/`)).text(), "v2 /\n");
  assert.ok((await running()).includes(stray));
  const told = await app.tidegate(["status"]);
  assert.match(
    told.stdout.replaceAll(/\s+/g, " "),
    new RegExp(
      `${stray} runs, is of a version that no release here knows, and nobody is sent to it\\. To stop it: tidegate down --strays`,
    ),
  );
  const document = documentOf(await app.tidegate(["status", "--json"]), 0);
  assert.deepEqual(document["strays"], [stray]);
});

it("down --strays stops it and nothing else, and has nothing to do afterwards", async () => {
  const before = await running();
  const asked = await app.tidegate(["down", "--strays"]);
  assert.equal(asked.code, 3, "nobody is there to be asked");
  assert.deepEqual(await running(), before);
  const stopped = documentOf(await app.tidegate(["down", "--strays", "--yes", "--json"]), 0);
  assert.deepEqual(stopped["stopped"], [stray]);
  await until("it is gone", async () => !(await running()).includes(stray));
  assert.deepEqual(
    await running(),
    before.filter((id) => id !== stray),
  );
  assert.equal(await (await fetch(`http://127.0.0.1:${app.port}/`)).text(), "v2 /\n");
  const again = documentOf(await app.tidegate(["down", "--strays", "--yes", "--json"]), 0);
  assert.deepEqual(again["stopped"], []);
  assert.deepEqual(documentOf(await app.tidegate(["status", "--json"]), 0)["strays"], []);
  await app.down();
});
