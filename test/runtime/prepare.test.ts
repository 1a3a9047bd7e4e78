import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { describe, it } from "node:test";
import { FaultError, type Fault } from "../../src/core/fault.ts";
import type { ProcessRuntime, Service, ServiceOf } from "../../src/core/plan/service.ts";
import { identify } from "../../src/local/process-identity.ts";
import { isFault } from "../contract/runtime.ts";
import { until } from "../support/until.ts";
import { type ProcessWorld, processWorld, SERVER } from "./world.ts";

const service = (runtime: Partial<ProcessRuntime>, more: Partial<Service> = {}): ServiceOf<"process"> => ({
  ...SERVER,
  ...more,
  runtime: { ...SERVER.runtime, ...runtime },
});
const never = new AbortController().signal;

describe("preparing a version from git", () => {
  it("checks it out beside the plan file's own files and builds it there, once for all who ask", async () => {
    await using world = await processWorld();
    world.write("app.txt", "one");
    const one = world.commit("One");
    world.write("app.txt", "two");
    const two = world.commit("Two");
    const web = service({ build: "cat app.txt >> built.txt; sleep 0.2" });
    const [first, again, other] = await Promise.all([
      world.runtime.prepare(one, [web], never),
      world.another().prepare(one, [web], never),
      world.runtime.prepare(two, [web], never),
    ]);
    assert.equal(readFileSync(`${first.directory}/built.txt`, "utf8"), "one");
    assert.equal(again.directory, first.directory);
    assert.equal(readFileSync(`${other.directory}/built.txt`, "utf8"), "two");
    assert.equal(world.read("app.txt"), "two");
    assert.equal(world.git("status", "--short"), "");
  });

  it("is done once also by two processes at a time", async () => {
    await using world = await processWorld();
    world.write("app.txt", "one");
    const one = world.commit("One");
    const program = `
      import { createProcessRuntime } from ${JSON.stringify(new URL("../../src/adapters/runtime/processes/runtime.ts", import.meta.url).href)};
      import { stateFolder } from ${JSON.stringify(new URL("../../src/local/state-folder.ts", import.meta.url).href)};
      const [planFolder, state, version, service] = process.argv.slice(1);
      const runtime = createProcessRuntime({ app: "a", environment: "e", services: [], planFolder, folder: stateFolder(state), keeperCommand: ["false"] });
      const { built } = await runtime.prepare(version, [JSON.parse(service)], new AbortController().signal);
      console.log(built);
    `;
    const web = JSON.stringify(service({ build: "echo built >> built.txt; sleep 0.3" }));
    const run = (): Promise<string> =>
      outputOf(process.execPath, [
        "--input-type=module-typescript",
        "-e",
        program,
        world.planFolder,
        world.folder.path,
        one,
        web,
      ]);
    const outputs = await Promise.all([run(), run()]);
    assert.deepEqual(new Set(outputs), new Set(["true\n", "false\n"]));
    const [name] = readdirSync(world.folder.file("versions")).filter((each) => /-[0-9a-f]{8}$/.test(each));
    assert.equal(readFileSync(world.folder.file("versions", name ?? "", "built.txt"), "utf8"), "built\n");
  });

  it("finds the plan file's folder and the service's where they lie in a repository of many", async () => {
    await using world = await processWorld({ subfolder: "apps/shop" });
    world.write("api/main.txt", "x");
    const sha = world.commit("One");
    const { directory } = await world.runtime.prepare(
      sha,
      [service({ directory: "api", build: "pwd > where.txt" })],
      never,
    );
    assert.ok(directory.endsWith("/apps/shop"));
    assert.equal(readFileSync(`${directory}/api/where.txt`, "utf8").trim(), `${directory}/api`);
  });

  it("gives the build what tools need, and no secret of the terminal's", async () => {
    await using world = await processWorld();
    const sha = world.commit("One");
    const env = {
      DATABASE_URL: "postgres://user:hunter2@db",
      npm_config_cache: "/var/cache/npm",
      NODE_ENV: "production",
    };
    const runtime = world.another({ env });
    const { directory } = await runtime.prepare(sha, [service({ build: "env > env.txt" })], never);
    const seen = readFileSync(`${directory}/env.txt`, "utf8");
    assert.match(seen, /^PATH=/m);
    assert.match(seen, /^npm_config_cache=\/var\/cache\/npm$/m);
    assert.doesNotMatch(seen, /hunter2|NODE_ENV/);
  });

  it("builds services that share a line and a folder once", async () => {
    await using world = await processWorld();
    const sha = world.commit("One");
    const web = service({ build: "echo x >> built.txt" });
    const { directory } = await world.runtime.prepare(sha, [web, { ...web, name: "worker" }], never);
    assert.equal(readFileSync(`${directory}/built.txt`, "utf8"), "x\n");
  });

  it("builds the same version anew, beside the old one, when the plan builds it in another way", async () => {
    await using world = await processWorld();
    const sha = world.commit("One");
    const before = await world.runtime.prepare(sha, [service({ build: "echo a > built.txt" })], never);
    const after = await world.runtime.prepare(sha, [service({ build: "echo b > built.txt" })], never);
    assert.equal(readFileSync(`${before.directory}/built.txt`, "utf8"), "a\n");
    assert.equal(readFileSync(`${after.directory}/built.txt`, "utf8"), "b\n");
  });

  it("that fails says so with the last lines, where all of them are, and how to try it; the next try starts afresh", async () => {
    await using world = await processWorld();
    const sha = world.commit("One");
    const web = service({
      build: "echo no such thing >&2; if [ -e half.txt ]; then echo not afresh; fi; echo x > half.txt; exit 3",
    });
    const fault = await faultOf(world.runtime.prepare(sha, [web], never));
    assert.equal(fault.code, "build-failed");
    assert.match(fault.what, /The build of web ended with code 3 after .*: echo no such thing/);
    assert.deepEqual(fault.detail, ["no such thing"]);
    assert.equal(readFileSync(fault.where ?? "", "utf8"), "no such thing\n");
    assert.match(fault.fix ?? "", /try it by hand: cd .* && echo/);
    assert.deepEqual((await faultOf(world.runtime.prepare(sha, [web], never))).detail, ["no such thing"]);
  });

  it("that fails tells how to try it by hand with everything filled in", async () => {
    await using world = await processWorld();
    const web = service({ prepare: "false ${dir} ${version}" });
    const fault = await faultOf(world.another({ services: [web] }).prepare("4.1.0", [web], never));
    assert.match(fault.fix ?? "", /try it by hand: cd \S+ && false \/\S+\/versions\/4\.1\.0-\w+ 4\.1\.0$/);
  });

  it("that is aborted ends its build with all that the build started", async () => {
    await using world = await processWorld();
    const sha = world.commit("One");
    const abort = new AbortController();
    const pidFile = `${world.planFolder}/pid.txt`;
    const web = service({ build: `sh -c 'echo $$ > ${pidFile}; sleep 600' & wait` });
    const preparing = world.runtime.prepare(sha, [web], abort.signal);
    const pid = await until(
      "the build runs",
      () => (existsSync(pidFile) && Number(readFileSync(pidFile, "utf8"))) || null,
    );
    abort.abort(new Error("enough"));
    await assert.rejects(preparing, { message: "enough" });
    assert.equal(identify(pid), null);
  });

  it("clears away what a killed engine left half made, and the build that still runs there", async () => {
    await using world = await processWorld();
    world.write("app.txt", "one");
    const sha = world.commit("One");
    const web = service({
      build: "[ -e ../../../go ] || { echo $$ > ../../../pid.txt; sleep 600; }; echo made > made.txt",
    });
    const program = `
      import { createProcessRuntime } from ${JSON.stringify(new URL("../../src/adapters/runtime/processes/runtime.ts", import.meta.url).href)};
      import { stateFolder } from ${JSON.stringify(new URL("../../src/local/state-folder.ts", import.meta.url).href)};
      const [planFolder, state, version, service] = process.argv.slice(1);
      const runtime = createProcessRuntime({ app: "a", environment: "e", services: [], planFolder, folder: stateFolder(state), keeperCommand: ["false"] });
      await runtime.prepare(version, [JSON.parse(service)], new AbortController().signal);
    `;
    const engine = spawn(
      process.execPath,
      ["--input-type=module-typescript", "-e", program, world.planFolder, world.folder.path, sha, JSON.stringify(web)],
      { stdio: "ignore" },
    );
    const orphan = await until(
      "its build runs",
      () => (existsSync(`${world.planFolder}/pid.txt`) && Number(world.read("pid.txt"))) || null,
    );
    engine.kill("SIGKILL");
    world.write("go", "");
    const { directory, built } = await world.runtime.prepare(sha, [web], never);
    assert.equal(built, true);
    await until("the build that ran there is gone", () => identify(orphan) === null || null);
    assert.equal(readFileSync(`${directory}/made.txt`, "utf8"), "made\n");
  });

  it("is not confused by a worktree whose folder somebody has removed", async () => {
    await using world = await processWorld();
    world.write("app.txt", "one");
    const sha = world.commit("One");
    const first = await world.runtime.prepare(sha, [SERVER], never);
    world.git("clean", "-dffxq", world.planFolder);
    assert.equal(existsSync(first.directory), false);
    const second = await world.runtime.prepare(sha, [SERVER], never);
    assert.equal(second.directory, first.directory);
    assert.equal(readFileSync(`${second.directory}/app.txt`, "utf8"), "one");
  });

  it("is not confused when it is called from one of git's own hooks", async () => {
    await using world = await processWorld();
    world.write("app.txt", "one");
    const sha = world.commit("One");
    process.env["GIT_DIR"] = "/nowhere";
    try {
      const { directory } = await world.runtime.prepare(sha, [SERVER], never);
      assert.ok(existsSync(`${directory}/app.txt`));
    } finally {
      delete process.env["GIT_DIR"];
    }
  });
});

describe("files that are not in git", () => {
  it("are copied where they are listed, with their permissions, and again when they have changed", async () => {
    await using world = await processWorld();
    world.write(".gitignore", ".env\n");
    const sha = world.commit("One");
    world.write(".env", "A=1");
    writeFileSync(`${world.planFolder}/.env`, "A=1", { mode: 0o600 });
    const web = service({ files: [".env"] });
    const { directory } = await world.runtime.prepare(sha, [web], never);
    assert.equal(readFileSync(`${directory}/.env`, "utf8"), "A=1");
    assert.equal(statSync(`${directory}/.env`).mode & 0o077, statSync(`${world.planFolder}/.env`).mode & 0o077);
    world.write(".env", "A=2");
    assert.equal((await world.runtime.prepare(sha, [web], never)).built, false);
    assert.equal(readFileSync(`${directory}/.env`, "utf8"), "A=2");
  });

  it("are missed with a clear word: listed and not there, or outside of the folder", async () => {
    await using world = await processWorld();
    const sha = world.commit("One");
    const absent = await faultOf(world.runtime.prepare(sha, [service({ files: [".env"] })], never));
    assert.equal(absent.code, "file-missing");
    assert.equal(absent.where, `${world.planFolder}/.env`);
    const outside = await faultOf(world.runtime.prepare(sha, [service({ files: ["../../etc/passwd"] })], never));
    assert.match(outside.what, /outside of the plan file's folder/);
  });
});

describe("preparing a version without git", () => {
  it("runs `prepare` in the plan file's folder, to fill an empty folder", async () => {
    await using world = await processWorld({ repository: false });
    world.write("fetch.sh", `echo "$1" > "$2/version.txt"`);
    const web = service({ prepare: "sh fetch.sh ${version} ${dir}", build: "echo and built >> version.txt" });
    const runtime = world.another({ services: [web] });
    const { version } = await runtime.resolve("4.1.15");
    const { directory } = await runtime.prepare(version, [web], never);
    assert.equal(readFileSync(`${directory}/version.txt`, "utf8"), "4.1.15\nand built\n");
    const fault = await faultOf(runtime.resolve("x; rm -rf /"));
    assert.equal(fault.code, "unknown-version");
  });

  it("is refused where versions should come from git", async () => {
    await using world = await processWorld({ repository: false });
    const fault = await faultOf(world.another({ services: [SERVER] }).resolve("HEAD"));
    assert.equal(fault.code, "unknown-version");
    assert.match(fault.what, /not in a git repository/);
    assert.match(fault.fix ?? "", /git init[\s\S]*give web a `prepare:` line/);
  });
});

describe(
  "a version in somebody else's repository",
  { skip: process.getuid?.() !== 0 && "only root can give one away" },
  () => {
    it("is not looked up by git, and what is told is how to trust it and not how to make another", async () => {
      await using world = await processWorld();
      world.commit("One");
      const folder = world.git("rev-parse", "--show-toplevel");
      spawnSync("chown", ["-R", "12345", folder]);
      const fault = await faultOf(world.runtime.resolve("HEAD"));
      spawnSync("chown", ["-R", "0", folder]);
      assert.match(fault.what, /the repository belongs to another user/);
      assert.match(fault.fix ?? "", /^git config --global --add safe\.directory /);
      assert.doesNotMatch(fault.fix ?? "", /git init/);
    });
  },
);

describe("a version's name", () => {
  it("is the sha of what the user says, shown by its tag or in short", async () => {
    await using world = await processWorld();
    const one = world.commit("One");
    world.git("tag", "v1.0.0");
    const two = world.commit("Two");
    world.git("branch", "feature/cart", one);
    assert.deepEqual(await world.runtime.resolve("v1.0.0"), { version: one, label: "v1.0.0" });
    assert.deepEqual(await world.runtime.resolve("feature/cart"), { version: one, label: "v1.0.0" });
    const head = await world.runtime.resolve("HEAD");
    assert.equal(head.version, two);
    assert.ok(two.startsWith(head.label) && head.label.length < 12);
  });

  it("that git doesn't know is answered with the nearest ones", async () => {
    await using world = await processWorld();
    world.commit("One");
    world.git("tag", "v1.2.0");
    world.git("tag", "v1.3.0");
    world.git("branch", "checkout");
    const tag = await faultOf(world.runtime.resolve("v1.2.9"));
    assert.equal(tag.code, "unknown-version");
    assert.match(tag.fix ?? "", /the nearest are: v1\.2\.0, v1\.3\.0/);
    assert.match((await faultOf(world.runtime.resolve("chekcout"))).fix ?? "", /checkout/);
    assert.equal((await faultOf(world.runtime.resolve("--all"))).code, "unknown-version");
  });

  it("can't be found in a repository without a commit, and that is said", async () => {
    await using world = await processWorld();
    const fault = await faultOf(world.runtime.resolve("HEAD"));
    assert.match(fault.what, /no commit yet/);
  });
});

describe("removing old versions", () => {
  it("keeps the last used ones, and leaves git with no trace of the others nor of what was never finished", async () => {
    await using world = await processWorld();
    const shas = ["One", "Two", "Three"].map((subject) => world.commit(subject));
    for (const sha of shas) await world.runtime.prepare(sha, [SERVER], never);
    await world.runtime.prepare(shas[0] ?? "", [SERVER], never);
    await assert.rejects(
      world.runtime.prepare(shas[0] ?? "", [service({ build: "exit 1" })], never),
      isFault("build-failed"),
    );
    assert.deepEqual(await world.runtime.prune(1, []), [shas[2], shas[1]]);
    const worktrees = world.git("worktree", "list", "--porcelain").match(/^worktree /gm) ?? [];
    assert.equal(worktrees.length, 2, "the user's own and the one that was kept");
    assert.equal(folders(world).length, 1);
  });
});

function folders(world: ProcessWorld): string[] {
  return readdirSync(world.folder.file("versions")).filter((name) => /-[0-9a-f]{8}$/.test(name));
}

async function faultOf(failing: Promise<unknown>): Promise<Fault> {
  try {
    await failing;
  } catch (error) {
    if (error instanceof FaultError) return error.fault;
    throw error;
  }
  throw new Error("It should have failed.");
}

function outputOf(command: string, args: readonly string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, [...args], { stdio: ["ignore", "pipe", "pipe"] });
    const chunks: Buffer[] = [];
    const errors: Buffer[] = [];
    child.stdout.on("data", (chunk: Buffer) => chunks.push(chunk));
    child.stderr.on("data", (chunk: Buffer) => errors.push(chunk));
    child.once("close", (code) =>
      code === 0 ? resolve(Buffer.concat(chunks).toString()) : reject(new Error(Buffer.concat(errors).toString())),
    );
  });
}
