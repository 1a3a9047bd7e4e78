import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { once } from "node:events";
import { chmodSync, existsSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type AddressInfo, type Server } from "node:net";
import { after, before, describe, it } from "node:test";
import type { Fault } from "../../src/core/fault.ts";
import type { Finding } from "../../src/cli/doctor/finding.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";
import { tidegate } from "./support/program.ts";

const folder = temporaryFolder();
const taken: Server = createServer();
let port = 0;

before(async () => {
  taken.listen(0, "127.0.0.1");
  await once(taken, "listening");
  port = (taken.address() as AddressInfo).port;
  const git = (...args: readonly string[]): void =>
    void execFileSync("git", ["-c", "user.name=T", "-c", "user.email=t@example.com", ...args], { cwd: folder.path });
  git("init", "--quiet");
  git("commit", "--quiet", "--allow-empty", "--message", "First");
});

after(async () => {
  taken.close();
  await folder[Symbol.asyncDispose]();
});

function plan(text: string): void {
  writeFileSync(folder.file("tidegate.yaml"), text);
}

async function examine(): Promise<{ readonly code: number | null; readonly findings: readonly Finding[] }> {
  const { code, stdout } = await tidegate(["doctor", "--json"], { cwd: folder.path });
  return { code, findings: (JSON.parse(stdout) as { readonly findings: readonly Finding[] }).findings };
}

describe("the doctor", () => {
  it("finds a port that is taken, by whom, and tells how to take over", async () => {
    plan(`app: shop\nservices: { web: { run: node server.js } }\ntraffic: { embedded: ${port} }\n`);
    const { code, findings } = await examine();
    assert.equal(code, 3);
    const finding = findings.find(({ name }) => name === `port ${port}`);
    assert.equal(finding?.state, "bad");
    assert.match(finding.sentence, new RegExp(`^Port ${port} is taken by process ${process.pid} \\(`));
    assert.match(finding.fix ?? "", new RegExp(`tidegate release --adopt 127\\.0\\.0\\.1:${port}$`, "m"));

    const release = await tidegate(["release", "--json"], { cwd: folder.path });
    assert.equal(release.code, 3);
    const { fault } = JSON.parse(release.stdout) as { readonly fault: Fault };
    assert.equal(fault.code, "port-taken");
    assert.equal(fault.what, `${finding.sentence}.`, "the release says the same");
    assert.equal(fault.fix, finding.fix);
    await tidegate(["down", "--yes"], { cwd: folder.path });
    rmSync(folder.file(".tidegate"), { recursive: true });
  });

  it("finds a database that does not answer, and shows no password", async () => {
    plan(
      `app: shop\nservices: { web: { run: node server.js } }\ntraffic: { embedded: 0 }\ndatabase: { url: "\${SHOP_DATABASE}", migrations: db }\n`,
    );
    mkdirSync(folder.file("db"), { recursive: true });
    const env = { SHOP_DATABASE: "postgres://shop:hush-hush@127.0.0.1:1/shop" };
    const { code, stdout } = await tidegate(["doctor", "--json"], { cwd: folder.path, env });
    assert.equal(code, 3);
    const { findings } = JSON.parse(stdout) as { readonly findings: readonly Finding[] };
    const finding = findings.find(({ name }) => name === "migrations");
    assert.equal(finding?.state, "bad");
    assert.match(finding.sentence, /does not listen/);
    assert.equal(findings.find(({ name }) => name === "backups")?.sentence, "there is none yet; a release makes one");
    assert.doesNotMatch(stdout, /hush-hush/);
    assert.equal(existsSync(folder.file(".tidegate")), false);
  });

  it("finds a folder of backups that can't be written, and does not advise to make one there", async () => {
    const withFolder = (steps: string): void =>
      plan(
        `app: shop\nservices: { web: { run: node server.js } }\ntraffic: { embedded: 0 }\ndatabase: { url: sqlite:shop.db, backups: { folder: /proc/backups } }\n${steps}`,
      );
    const said = async () => (await examine()).findings.filter(({ name }) => name === "backups");
    withFolder("steps: [backup: decode, shift: 100%]\n");
    const [finding, ...others] = await said();
    assert.match(
      finding?.sentence ?? "",
      /^The folder of the backups can't be made or written.*\/proc\/backups.*: the system makes no folder in \/proc \(ENOENT\)$/i,
    );
    assert.match(finding?.fix ?? "", /^give it to the user that makes backups, or name another one/);
    assert.deepEqual([finding?.state, others], ["bad", []]);
    withFolder("steps: [shift: 100%]\n");
    assert.equal((await said())[0]?.state, "warn", "no release makes one");
  });

  it("finds nothing in the way of a first release, and makes and starts nothing", async () => {
    plan("app: shop\nservices: { web: { run: node server.js } }\ntraffic: { embedded: 0 }\n");
    const { code, findings } = await examine();
    assert.equal(code, 0, JSON.stringify(findings));
    assert.deepEqual(
      findings.map(({ name, state }) => `${name} ${state}`),
      [
        "node ok",
        "git ok",
        "state ok",
        "disk ok",
        "plan file ok",
        "version ok",
        "prepared info",
        "port ok",
        "data plane info",
        "engine info",
        "keeper info",
      ],
    );
    assert.equal(existsSync(folder.file(".tidegate")), false);
  });

  it("asks for no commit where a version is what `prepare:` makes of it", async () => {
    mkdirSync(folder.file("published"));
    writeFileSync(
      folder.file("published", "tidegate.yaml"),
      'app: shop\nservices: { web: { prepare: "true ${dir} ${version}", run: node server.js } }\ntraffic: { embedded: 0 }\n',
    );
    const { code, stdout } = await tidegate(["doctor", "--json"], { cwd: folder.file("published") });
    const { findings } = JSON.parse(stdout) as { readonly findings: readonly Finding[] };
    assert.equal(code, 0, stdout);
    const version = findings.find(({ name }) => name === "version");
    assert.equal(version?.state, "info");
    assert.match(version.sentence, /tidegate release VERSION$/);
  });

  it("finds a mistake of the plan file with its place", async () => {
    plan("app: shop\nservices: { web: { rum: node server.js } }\n");
    const { code, findings } = await examine();
    assert.equal(code, 3);
    assert.match(findings.find(({ state }) => state === "bad")?.sentence ?? "", /rum/);
  });

  it("finds that init could not know how the service starts, and a release is refused before it begins", async () => {
    mkdirSync(folder.file("unknown"));
    const inside = { cwd: folder.file("unknown") };
    assert.equal((await tidegate(["init"], inside)).code, 0);
    const { code, stdout } = await tidegate(["doctor"], inside);
    assert.equal(code, 3);
    assert.match(
      stdout,
      /^✖ plan file +nobody has written yet how web starts\n +fix +write the command that starts it/m,
    );
    const release = await tidegate(["release"], inside);
    assert.equal(release.code, 2);
    assert.match(release.stderr, /^Nobody has written yet how web starts/);
    assert.equal(existsSync(folder.file("unknown", ".tidegate")), false);
  });

  it("finds a file that the plan copies and that does not lie there", async () => {
    plan("app: shop\nservices: { web: { run: node server.js, files: [.env] } }\ntraffic: { embedded: 0 }\n");
    const { findings } = await examine();
    assert.match(findings.find(({ name }) => name === "files")?.sentence ?? "", /^\.env is named in `files`/);
  });

  it("finds a state folder that can't be written", { skip: process.getuid?.() === 0 }, async () => {
    mkdirSync(folder.file("locked"), { mode: 0o500 });
    const { code, stdout } = await tidegate(["doctor", "--state", "locked/state"], { cwd: folder.path });
    chmodSync(folder.file("locked"), 0o700);
    assert.equal(code, 3);
    assert.match(stdout, /✖ state +.*can't be written by this user/);
  });
});
