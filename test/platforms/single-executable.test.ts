import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, symlinkSync } from "node:fs";
import { after, before, describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { type App, createApp } from "../e2e/support/app.ts";
import { lastStatus } from "../e2e/support/release.ts";
import { visit, type Visitors } from "../e2e/support/visitors.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";
import { until } from "../support/until.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));

/** What a host without Node has, and the app's own runtime, which happens to be one under another name. */
const PROGRAMS = ["sh", "cat", "git", "mkfifo"];
const RUNTIME = "app-runtime";

/** A config file of TypeScript, so that the file has to bring what such a file imports. */
const PLAN = `import { defineConfig } from "tidegate";
const port: number = Number(process.env["FRONT_DOOR"]);
export default defineConfig({
  app: "shop",
  services: { web: { run: "${RUNTIME} server.js", health: { ready: "/", every: "200ms" } } },
  traffic: { embedded: port },
  guards: { errors: { rollback: "1%" } },
  steps: ["start", { shift: "50%", for: "1s" }, { shift: "100%", for: "1s" }, { approve: "anyone", after: "24h" }],
});
`;

const opened = new AsyncDisposableStack();
const folder = opened.use(temporaryFolder());
let app: App;
let people: Visitors;

before(async () => {
  const program = folder.file("tidegate");
  execFileSync(process.execPath, ["scripts/single.ts", program], { cwd: ROOT, stdio: ["ignore", "ignore", "pipe"] });
  mkdirSync(folder.file("bin"));
  for (const name of PROGRAMS) symlinkSync(whereIs(name), folder.file("bin", name));
  symlinkSync(process.execPath, folder.file("bin", RUNTIME));
  app = opened.use(await createApp({ program, path: folder.file("bin") }));
  app.write("tidegate.config.ts", PLAN);
});
after(() => opened.disposeAsync());

describe("Tidegate as one executable file, where there is no Node", () => {
  const env = (): { readonly env: Readonly<Record<string, string>> } => ({ env: { FRONT_DOOR: String(app.port) } });

  it("tells its version", async () => {
    const { version } = JSON.parse(readFileSync(`${ROOT}/package.json`, "utf8")) as { readonly version: string };
    assert.equal((await app.tidegate(["--version"])).stdout.trim(), version);
  });

  it("simulates in threads", async () => {
    const words = "simulate --rps 50 --weight 5% --for 5m --stable-errors 0.1% --candidate-errors 5% --runs 50 --json";
    const { code, stdout, stderr } = await app.tidegate(words.split(" "));
    assert.equal(code, 0, stdout + stderr);
    assert.ok((JSON.parse(stdout) as { readonly caught: number }).caught > 0.5, stdout);
  });

  it("reads SQL with a parser of its own", async () => {
    app.write("1.sql", "CREATE INDEX o ON orders (id);\n");
    const { code, stdout, stderr } = await app.tidegate(["migrate", "lint", "1.sql"]);
    assert.equal(code, 3, stdout + stderr);
    assert.match(stdout, /require-concurrent-index-creation/);
  });

  it("releases by a plan in TypeScript, and puts back", async () => {
    app.version({ name: "v1" });
    await release();
    people = opened.use(visit(app.port));
    app.version({ name: "v2" });
    await release();
    await people.seen("v2", 20);
    const { code, stdout, stderr } = await app.tidegate(["rollback", "--yes", "--json"], env());
    assert.equal(code, 0, stdout + stderr);
    assert.equal(lastStatus({ stdout, stderr }).state, "rolled-back");
    await people.seen("v1", 20);
  });

  it("replaces its keeper and its proxy under load, and nobody's request fails", async () => {
    const keeper = await app.tidegate(["keeper", "restart", "--json"], env());
    assert.equal(keeper.code, 0, keeper.stdout + keeper.stderr);
    assert.equal((JSON.parse(keeper.stdout) as { readonly holdsSockets: boolean }).holdsSockets, true);
    const proxy = await app.tidegate(["proxy", "restart", "--json"], env());
    assert.equal(proxy.code, 0, proxy.stdout + proxy.stderr);
    await until("the old proxy has ended", async () => (await app.keeper()).proxy?.leaving.length === 0);
    await people.sample(60);
    assert.deepEqual(people.visits.failures, []);
    await people.leave();
    await app.down();
  });

  async function release(): Promise<void> {
    const ended = await app.tidegate(["release", "--json"], env());
    assert.equal(ended.code, 0, ended.stdout + ended.stderr);
  }
});

function whereIs(program: string): string {
  return execFileSync("sh", ["-c", 'command -v "$1"', "sh", program], { encoding: "utf8" }).trim();
}
