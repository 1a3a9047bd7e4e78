import { equal, match, ok, throws } from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, statSync, writeFileSync } from "node:fs";
import { after, describe, it } from "node:test";
import { makeFolder, whyNothingCanBeMadeIn } from "../../src/local/make-folder.ts";
import { MAIN } from "../e2e/support/command.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

const opened = new AsyncDisposableStack();
after(() => opened.disposeAsync());
const folder = opened.use(temporaryFolder());

describe("a folder is made", () => {
  it("with those above it, closed to others, and is left as it is where it is there", () => {
    makeFolder(folder.file("a", "b", "c"), 0o700);
    equal(statSync(folder.file("a", "b")).mode & 0o777, 0o700);
    makeFolder(folder.file("a", "b"), 0o777);
    equal(statSync(folder.file("a", "b")).mode & 0o777, 0o700);
  });

  it("but not in a file", () => {
    writeFileSync(folder.file("file"), "");
    throws(() => makeFolder(folder.file("file", "a"), 0o700), { code: "EEXIST" });
    throws(() => makeFolder(folder.file("file"), 0o700), { code: "EEXIST" });
  });

  it("on trial, and nothing of it is left", () => {
    mkdirSync(folder.file("tried"));
    equal(whyNothingCanBeMadeIn(folder.file("tried")), null);
    equal(readdirSync(folder.file("tried")).length, 0);
    match(whyNothingCanBeMadeIn(folder.file("nowhere")) ?? "", /ENOENT/);
  });
});

// There the system says ENOENT of a folder whose parent is there.
describe("a state folder below /proc", { skip: !existsSync("/proc/self") }, () => {
  const STATE = "/proc/tidegate/state";
  const tidegate = (...args: readonly string[]) => {
    const { PATH } = process.env;
    const options = { cwd: folder.path, env: { PATH }, encoding: "utf8", timeout: 20_000 } as const;
    return spawnSync(process.execPath, [MAIN, ...args, "--state", STATE], options);
  };

  it("can't be made by any command, which says so and ends", () => {
    writeFileSync(
      folder.file("tidegate.yaml"),
      "app: shop\nservices: { web: { run: node server.js, prepare: 'true' } }\ntraffic: { embedded: 18080 }\n",
    );
    throws(() => makeFolder(STATE, 0o700), /ENOENT|EACCES/);
    const { status, stdout, stderr } = tidegate("release", "v1", "--json");
    equal(status, 3, stdout + stderr);
    const { fault } = JSON.parse(stdout || stderr) as { readonly fault: Readonly<Record<string, string>> };
    equal(fault["code"], "state-not-writable");
    equal(fault["where"], STATE);
  });

  it("nor can one for the demo, which is no mistake of the demo's", () => {
    const { status, stdout, stderr } = tidegate("demo", "--folder", STATE);
    equal(status, 2, stdout + stderr);
    match(stderr, /^The folder for the demo can't be made\.$/m);
  });

  it("is not promised by doctor", () => {
    const { stdout } = tidegate("doctor");
    match(stdout, /^[✖x] state +\/proc\S* can't be (?:made|written)/m);
    ok(!stdout.includes("can be made"));
  });
});
