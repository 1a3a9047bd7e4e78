import assert from "node:assert/strict";
import { mkdirSync, readdirSync, renameSync, rmSync, statSync, truncateSync, writeFileSync } from "node:fs";
import { after, before, beforeEach, describe, it } from "node:test";
import { type App, createApp } from "./support/app.ts";
import type { Ended } from "./support/command.ts";
import { faultOf, releaseWell } from "./support/release.ts";

const opened = new AsyncDisposableStack();
after(() => opened.disposeAsync());

/** What people type when something is wrong, and what they type to mend it. */
const WORDS = [["status"], ["release"], ["rollback", "--yes"], ["down", "--yes"]] as const;

describe("a state folder that is none of Tidegate's", () => {
  let app: App;
  before(async () => {
    app = opened.use(await createApp());
    plan(app, "shop");
    app.version({ name: "v0" });
  });
  beforeEach(() => rmSync(state(), { recursive: true, force: true }));
  const state = (...parts: readonly string[]): string => app.file("state", ...parts);

  it("but a file: is told, with what to do", async () => {
    writeFileSync(app.state.path, "my notes");
    for (const words of WORDS) {
      const ended = await app.tidegate([...words, "--json"]);
      assert.equal(ended.code, 3, `${words.join(" ")}: ${ended.stdout}${ended.stderr}`);
      assert.deepEqual(faultOf(ended), {
        code: "state-not-a-folder",
        what: "A file lies where the state folder should be.",
        where: app.state.path,
        fix: "move it away, or choose another folder with --state",
      });
    }
    assert.equal(statSync(app.state.path).size, 8, "and left as it is");
    rmSync(app.state.path);
  });

  it("but somebody's own: is neither closed to others nor hidden from git", async () => {
    mkdirSync(state("photos"), { recursive: true, mode: 0o755 });
    writeFileSync(state("letter.txt"), "dear");
    const { mode } = statSync(state());
    await eachIsRefused("state-not-ours", /^The folder holds things that are not Tidegate's/);
    assert.deepEqual(readdirSync(state()).toSorted(), ["letter.txt", "photos"]);
    assert.equal(statSync(state()).mode, mode);
  });

  it("but garbage under the names that it uses: each is named", async () => {
    mkdirSync(state("engine-token"), { recursive: true });
    writeFileSync(state("versions"), "1, 2 and 3");
    await eachIsRefused("state-spoilt", /^A folder lies where Tidegate keeps a file of its own\.$/, "engine-token");
    rmSync(state("engine-token"), { recursive: true });
    mkdirSync(state("journal.db"));
    await eachIsRefused("state-spoilt", /^A folder lies where Tidegate keeps a file/, "journal.db");
    rmSync(state("journal.db"), { recursive: true });
    writeFileSync(state("proxy.sock"), "");
    await eachIsRefused("state-spoilt", /^A file lies where Tidegate keeps a (?:folder|socket) of its own\.$/);
    const doctor = await app.tidegate(["doctor", "--state", state()]);
    assert.equal(doctor.code, 3);
    assert.match(doctor.stdout, /✖ state .*A file lies where Tidegate keeps/);
  });

  it("with a journal that is text: nothing is begun, and the file stays as it is", async () => {
    mkdirSync(state());
    const text = "Dear diary, today I released the shop.\n".repeat(20);
    writeFileSync(state("journal.db"), text);
    for (const words of WORDS.filter(([word]) => word !== "down")) {
      const ended = await asked(words);
      assert.equal(ended.code, 12, ended.stdout + ended.stderr);
      assert.equal(faultOf(ended).code, "journal-damaged");
      assert.match(faultOf(ended).fix ?? "", /put journal\.db back from a backup; without one, move journal\.db/);
    }
    const down = await asked(["down", "--yes"]);
    assert.equal(down.code, 0, down.stdout + down.stderr);
    assert.match(down.stdout, /Nothing of it runs here/);
    assert.equal(statSync(state("journal.db")).size, text.length);
    assert.deepEqual(app.processes(), [], "nothing was started");
  });

  async function asked(words: readonly string[]): Promise<Ended> {
    return app.tidegate([...words, "--state", state(), "--json"]);
  }

  async function eachIsRefused(code: string, what: RegExp, file?: string): Promise<void> {
    for (const words of WORDS) {
      const ended = await asked(words);
      assert.equal(ended.code, 3, `${words.join(" ")}: ${ended.stdout}${ended.stderr}`);
      const fault = faultOf(ended);
      assert.equal(fault.code, code);
      assert.match(fault.what, what);
      assert.equal(fault.where?.startsWith(file === undefined ? state() : state(file)), true, fault.where);
      assert.match(fault.fix ?? "", /--state/);
    }
    assert.deepEqual(app.processes(), [], "nothing was started");
  }
});

describe("the state folder of another app", () => {
  let shop: App;
  let blog: App;
  before(async () => {
    shop = opened.use(await createApp());
    plan(shop, "shop");
    shop.version({ name: "v0" });
    blog = opened.use(await createApp());
    plan(blog, "blog");
    blog.version({ name: "b0" });
    await releaseWell(blog);
  });
  const inShop = (...words: readonly string[]): Promise<Ended> =>
    shop.tidegate([...words, "--state", blog.state.path, "--json"]);

  it("takes no release, no rollback, no serve and no down of this one, and says whose it is", async () => {
    for (const words of [["release"], ["rollback", "--yes"], ["serve"], ["down", "--yes"]]) {
      const ended = await inShop(...words);
      assert.equal(ended.code, 3, `${words.join(" ")}: ${ended.stdout}${ended.stderr}`);
      const { code, what, fix } = faultOf(ended);
      assert.equal(code, "state-foreign");
      assert.match(what, /blog.*shop/);
      assert.match(fix ?? "", /--state, or TIDEGATE_STATE/);
    }
    const doctor = await inShop("doctor");
    assert.equal(doctor.code, 3);
    assert.match(doctor.stdout, /This state folder is the one of blog in production/);
    const plan = await inShop("plan");
    assert.equal(plan.code, 0, plan.stdout + plan.stderr);
    const [warning] = (JSON.parse(plan.stdout) as { readonly warnings: readonly string[] }).warnings;
    assert.match(warning ?? "", /^A release would be refused\. This state folder is the one of blog in production/);
  });

  it("nor does whoever serves the other one, asked by a command of this one", async () => {
    const serving = blog.start(["serve"]);
    await serving.tells(/Acts on production/);
    const second = blog.start(["serve"]);
    await second.tells(new RegExp(`Process ${serving.pid} \\(tidegate serve\\) acts on this app: waits until it ends`));
    second.kill("SIGTERM");
    assert.equal((await second.ended).code, 0);
    const ended = await inShop("release");
    assert.equal(ended.code, 3, ended.stdout + ended.stderr);
    assert.equal(faultOf(ended).code, "state-foreign");
    serving.kill("SIGTERM");
    await serving.ended;
  });

  it("still serves the other app, of which nothing has changed", async () => {
    assert.equal(await (await fetch(`http://127.0.0.1:${blog.port}/`)).text(), "b0 /\n");
    const { release, state } = await blog.status();
    assert.deepEqual([release, state], [1, "closed"]);
    assert.equal((await blog.plane()).table?.app, "blog");
    await blog.down();
  });
});

describe("a journal that was cut while a version serves", () => {
  it("stops nothing; moved away, the next release begins a new one beside what serves", async () => {
    const app = opened.use(await createApp());
    plan(app, "shop");
    app.version({ name: "v0" });
    await releaseWell(app);
    await app.tidegate(["status"]);
    const journal = app.state.file("journal.db");
    truncateSync(journal, Math.floor(statSync(journal).size / 2));
    const { table } = await app.plane();
    // The first release has all of the traffic and keeps its place as candidate until it is retired.
    const serving = table?.candidate?.version ?? "";
    app.version({ name: "v1" });
    for (const words of WORDS.filter(([word]) => word !== "down")) {
      const ended = await app.tidegate([...words, "--json"]);
      assert.equal(ended.code, 12, `${words.join(" ")}: ${ended.stdout}${ended.stderr}`);
      assert.equal(faultOf(ended).code, "journal-damaged");
    }
    const told = await app.tidegate(["status"]);
    assert.match(told.stdout, new RegExp(`share 100% on ${serving.slice(0, 7)}, at 127\\.0\\.0\\.1:${app.port}`));
    assert.match(told.stdout, /✔ web-blue-0-\w+ +running .* ready: 200 fine/);
    assert.deepEqual((await app.plane()).table, table);
    assert.equal(await (await fetch(`http://127.0.0.1:${app.port}/`)).text(), "v0 /\n");
    renameSync(journal, app.file("damaged.db"));
    const { stable } = await releaseWell(app, "--yes");
    assert.equal(stable?.version, serving);
    assert.equal(await (await fetch(`http://127.0.0.1:${app.port}/`)).text(), "v1 /\n");
    writeFileSync(journal, Buffer.alloc(20_000, 0xa5));
    // What is stopped are processes, of which no journal tells.
    await app.down();
  });
});

function plan(app: App, name: string): void {
  app.plan(`
app: ${name}
services:
  web:
    run: node server.js
    health: { ready: /health, every: 1s, timeout: 1s }
    drain: 3s
traffic: { embedded: \${PORT_OF_FRONT_DOOR} }
guards: { errors: off, p95: off, restarts: off }
steps:
  - shift: 100%
    for: 300ms
`);
}
