import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { delimiter, dirname, join } from "node:path";
import { after, before, describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { freePort } from "../../src/adapters/runtime/free-port.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";
import { endProcessesIn, processesIn } from "./support/leftovers.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const MODULES = join(ROOT, "node_modules");
const { dependencies } = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8")) as {
  readonly dependencies: Readonly<Record<string, string>>;
};

/** The package as a user gets it: built, packed, and installed by npm in an empty folder, without a network. */
describe("the package", () => {
  const folder = temporaryFolder();
  const user = folder.file("user");
  const installed = join(user, "node_modules", "tidegate");

  before(() => {
    const sources = folder.file("sources");
    copySources(sources);
    const [packed = ""] = run("npm", ["pack", "--silent", "--pack-destination", folder.path], sources)
      .trim()
      .split("\n")
      .slice(-1);
    mkdirSync(user);
    writeFileSync(join(user, "package.json"), '{ "private": true, "type": "commonjs" }\n');
    // What it needs lies here already: as links they satisfy npm with no registry.
    const needed = Object.keys(dependencies).map((name) => join(MODULES, name));
    // What lies in a folder npm would build first; what comes from a registry is built already.
    run(
      "npm",
      ["install", "--offline", "--ignore-scripts", "--no-audit", "--no-fund", folder.file(packed), ...needed],
      user,
    );
  });
  after(async () => {
    await endProcessesIn(folder.path);
    await folder[Symbol.asyncDispose]();
  });

  it("tells its version", () => {
    const { version } = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8")) as { readonly version: string };
    assert.equal(tidegate(user, "--version").trim(), version);
  });

  it("looks at an app, plans, releases, and stops it", async () => {
    const app = folder.file("user", "app");
    mkdirSync(app);
    const write = (name: string, text: string): void => writeFileSync(join(app, name), text);
    write("package.json", '{ "name": "hello", "private": true, "scripts": { "start": "node server.js" } }\n');
    write(
      "server.js",
      'require("node:http").createServer((_, answer) => answer.end("hello")).listen(process.env.PORT, "127.0.0.1");\n',
    );
    const git = (...args: readonly string[]): string =>
      run("git", ["-c", "user.name=T", "-c", "user.email=t@example.com", ...args], app);
    git("init", "--quiet");
    git("add", "--all");
    git("commit", "--quiet", "--message", "Say hello");
    assert.match(tidegate(app, "init"), /^Wrote tidegate\.yaml/);
    const port = await freePort(new Set());
    write(
      "tidegate.production.yaml",
      `traffic: { embedded: ${port} }\nsteps: [start, smoke, { shift: 100%, for: 1s }, retire]\n`,
    );
    const planned = JSON.parse(tidegate(app, "plan", "--json")) as { readonly plan: { readonly app: string } };
    assert.equal(planned.plan.app, "hello");
    assert.match(tidegate(app, "release"), /✔ CLOSED: \w+ serves all of hello production/);
    assert.equal(await (await fetch(`http://127.0.0.1:${port}/`)).text(), "hello");
    assert.match(tidegate(app, "down", "--yes"), /^Stopped 1 instance/);
    assert.deepEqual(processesIn(folder.path), []);
  });

  it("gives types to a plan in TypeScript, and finds its mistakes before anything runs", () => {
    const write = (text: string): void => writeFileSync(join(user, "tidegate.config.ts"), text);
    const plan =
      'import { defineConfig } from "tidegate";\nexport default defineConfig({\n  app: "shop",\n  services: { web: { prepare: "true ${dir}", run: "node server.js --port ${port}" } },\n  traffic: { embedded: 8080 },\n});\n';
    const options = {
      module: "nodenext",
      target: "es2024",
      strict: true,
      noEmit: true,
      skipLibCheck: false,
      types: [],
    };
    writeFileSync(
      join(user, "tsconfig.json"),
      JSON.stringify({ compilerOptions: options, files: ["tidegate.config.ts"] }),
    );
    const check = (): string => run(join(MODULES, ".bin", "tsc"), ["--project", "."], user);
    write(plan);
    assert.equal(check(), "");
    assert.match(tidegate(user, "plan", "1.0.0", "--json", "--file", "tidegate.config.ts"), /"planHash"/);
    write(plan.replace("run:", "rum:"));
    assert.throws(check, (error: { stdout?: string }) => /'rum' does not exist/.test(error.stdout ?? ""));
  });

  it("is in order for those who import it", () => {
    run(join(MODULES, ".bin", "publint"), ["--strict", "--pack", "false", installed], user);
  });

  it("holds what its pages lead to, and no path of the machine that made it", () => {
    for (const page of ["README.md", ...readdirSync(join(installed, "docs")).map((name) => `docs/${name}`)]) {
      const text = readFileSync(join(installed, page), "utf8");
      const places = [...text.matchAll(/\]\((?!https?:)([^)#\s]+)/g)].map(([, to = ""]) => join(dirname(page), to));
      // The ledger leads to tests too, and who reads those has the repository.
      for (const to of places.filter((place) => /^(?:docs|examples)\//.test(place)))
        assert.ok(existsSync(join(installed, to)), `${page} leads to ${to}, which is not in the package`);
    }
    const files = readdirSync(installed, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
    for (const { parentPath, name } of files) {
      assert.ok(!readFileSync(join(parentPath, name), "utf8").includes(folder.path), `${name} holds a path`);
      assert.doesNotMatch(name, /\.test\.|\.tsbuildinfo$/);
    }
  });

  /** The repository without what a build makes, so that a build in use is left alone. */
  function copySources(to: string): void {
    const left = new Set(["node_modules", "dist", ".git", ".cache", ".tidegate", "test", "bench"]);
    mkdirSync(to);
    for (const name of readdirSync(ROOT).filter((name) => !left.has(name)))
      cpSync(join(ROOT, name), join(to, name), { recursive: true });
    symlinkSync(MODULES, join(to, "node_modules"));
  }

  function tidegate(cwd: string, ...args: readonly string[]): string {
    return run(join(user, "node_modules", ".bin", "tidegate"), args, cwd);
  }
});

function run(program: string, args: readonly string[], cwd: string): string {
  const { DEPLOYMENT_ENV: _, TIDEGATE_STATE: __, ...env } = process.env;
  const path = [dirname(process.execPath), process.env["PATH"]].join(delimiter);
  try {
    return execFileSync(program, args, {
      cwd,
      encoding: "utf8",
      env: { ...env, PATH: path },
      stdio: ["ignore", "pipe", "pipe"],
    });
  } catch (error) {
    const { stdout = "", stderr = "" } = error as { readonly stdout?: string; readonly stderr?: string };
    throw Object.assign(new Error(`${program} ${args.join(" ")}\n${stdout}${stderr}`, { cause: error }), { stdout });
  }
}
