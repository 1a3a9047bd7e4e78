import assert from "node:assert/strict";
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { after, describe, it } from "node:test";
import { commandHelp } from "../../src/cli/help.ts";
import { COMMANDS, NOT_BUILT } from "../../src/cli/registry.ts";
import { GLOBAL_OPTIONS } from "../../src/cli/words.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";
import { tidegate } from "./support/program.ts";

const WIDE = { width: 2_000, colours: false, unicode: true };
const folder = temporaryFolder();
after(() => folder[Symbol.asyncDispose]());
const run = (...args: readonly string[]): ReturnType<typeof tidegate> => tidegate(args, { cwd: folder.path });

describe("the words of a command", () => {
  it("are explained for every command: a sentence, its options, and one to three examples", async () => {
    for (const { name, load } of COMMANDS) {
      const definition = await load();
      const { about, options, examples } = definition;
      const stdout = commandHelp({ name }, definition, GLOBAL_OPTIONS, WIDE).join("\n");
      assert.match(about, /^[A-Z].*\.$/s, name);
      assert.ok(stdout.includes(about.slice(0, 30)), name);
      for (const { flags } of options) assert.ok(stdout.includes(flags), `${name} ${flags}`);
      assert.ok(examples.length >= 1 && examples.length <= 3, name);
      for (const { line } of examples) assert.ok(stdout.includes(line), `${name}: ${line}`);
    }
  });

  it("are explained by the program itself, whatever else stands there", async () => {
    for (const words of [
      ["help", "release"],
      ["release", "--help"],
      ["completion", "--help"],
    ]) {
      const { code, stdout } = await run(...words);
      assert.equal(code, 0);
      assert.match(stdout, /^tidegate (release|completion) /);
    }
  });

  it("are a document with --json", async () => {
    const program = await run("--json");
    assert.equal(program.code, 0);
    const { commands, exitCodes } = JSON.parse(program.stdout) as Record<string, readonly Record<string, unknown>[]>;
    assert.deepEqual(
      commands?.map(({ name }) => name),
      COMMANDS.map(({ name }) => name),
    );
    assert.ok(exitCodes?.some(({ code }) => code === 130));
    const { stdout } = await run("completion", "--help", "--json");
    const { name, usage } = JSON.parse(stdout) as Record<string, unknown>;
    assert.deepEqual([name, usage], ["completion", "tidegate completion <shell>"]);
  });

  it("are listed by --help and without any word, the ones that are not built left out", async () => {
    for (const args of [["--help"], []]) {
      const { code, stdout } = await run(...args);
      assert.equal(code, 0);
      for (const { name, summary } of COMMANDS) assert.match(stdout, new RegExp(`^ {2}${name} +${summary}$`, "m"));
      for (const name of NOT_BUILT) assert.doesNotMatch(stdout, new RegExp(`^ {2}${name}\\b`, "m"));
    }
  });

  it("that are not built yet say so in a sentence", async () => {
    for (const words of [["flag"], ["report"]]) {
      const { code, stderr } = await run(...words);
      assert.equal(code, 2);
      assert.match(
        stderr,
        new RegExp(`^"tidegate ${words.join(" ")}" is not built yet in this version of Tidegate\\.$`, "m"),
      );
    }
  });

  const mistakes: readonly (readonly [readonly string[], RegExp])[] = [
    [["relase"], /^There is no command "relase"\.\n {2}fix {4}did you mean: tidegate release$/m],
    [["status", "--folow"], /^Unknown option "--folow"\.\n {2}fix {4}did you mean --follow\?/m],
    [["status", "1", "2"], /^Too many arguments/],
    [["completion"], /^Missing required argument "shell"\.$/m],
    [["completion", "csh"], /^Command-argument value "csh" is invalid .*bash, zsh, fish\.$/m],
    [["release", "--reason"], /^--reason needs a value\.$/m],
    [["--bogus"], /^There is no option "--bogus"\.$/m],
    [["status", "1e0"], /^"1e0" is not the number of a release\.$/m],
    [["status", "nine"], /^"nine" is not the number of a release\.$/m],
    [["status", "--file", "nowhere.yaml"], /^There is no file "nowhere\.yaml"\.$/m],
    [["status", "--file", "/"], /^"\/" is a folder and no plan file\.$/m],
    [["status", "--file", "--no-color"], /^--file needs a value, and "--no-color" is an option of its own\.$/m],
    [["status", "--state", "/dev/null"], /^No state can lie in "\/dev\/null": that is no folder\.$/m],
    [["status", "--state", "/dev/null/x"], /^No state can lie in "\/dev\/null\/x": \/dev\/null is no folder\.$/m],
    [["doctor", "--state", ""], /^--state names no folder\.$/m],
    [["keeper", "--state", "/dev/null"], /^No state can lie in "\/dev\/null": that is no folder\.$/m],
    [["status", "--env", "../x"], /^"\.\.\/x" can't be the name of an environment\.$/m],
    [["plan"], /^There is no plan file here\.$/m],
    [["service", "install", "--user", "--system"], /^--user and --system exclude each other\.$/m],
    [["proxy", "--state", "s", "--listen", "everywhere"], /^"everywhere" is no address\.$/m],
  ];
  for (const [words, message] of mistakes) {
    it(`"${words.join(" ")}" ends with 2 and says what is wrong`, async () => {
      const { code, stdout, stderr } = await run(...words);
      assert.equal(code, 2, stdout + stderr);
      assert.match(stderr, message);
      assert.doesNotMatch(stderr, /\n\s+at .*:\d+:\d+/, "no stack trace");
    });
  }

  it("understand global options before and after the command", async () => {
    for (const words of [
      ["--json", "status"],
      ["status", "--json"],
      ["--env", "staging", "status", "--json"],
    ]) {
      const { code, stdout } = await run(...words);
      assert.equal(code, 0);
      const nothing = {
        status: null,
        otherEnvironments: [],
        acting: null,
        emergencies: [],
        holder: null,
        instances: null,
        strays: [],
        lost: [],
        earlier: [],
      };
      assert.deepEqual(JSON.parse(stdout), nothing);
    }
  });

  it("tell a fault as a document with --json, and nothing beside it", async () => {
    const { code, stdout, stderr } = await run("relase", "--json");
    assert.equal(code, 2);
    assert.equal(stderr, "");
    assert.deepEqual(JSON.parse(stdout), {
      fault: { code: "usage", what: 'There is no command "relase".', fix: "did you mean: tidegate release" },
    });
  });

  it("--version is the package's", async () => {
    const { version } = JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8")) as {
      readonly version: string;
    };
    assert.equal((await run("--version")).stdout, `${version}\n`);
  });
});

describe("where nothing was released", () => {
  it("status says how to begin", async () => {
    const { code, stdout } = await run("status");
    assert.equal(code, 0);
    assert.match(stdout, /tidegate init/);
  });

  it("status names a state folder that was named, for it may be mistyped", async () => {
    writeFileSync(folder.file("tidegate.yaml"), "app: shop\n");
    const { code, stdout } = await run("status", "--state", "elsewhere");
    rmSync(folder.file("tidegate.yaml"));
    assert.equal(code, 0);
    assert.ok(
      stdout.startsWith(`Nothing was released yet in production, by what lies in ${folder.file("elsewhere")}.\n`),
    );
  });

  it("an environment that is not known is told those that are, the likest first", async () => {
    const put = (path: string, text: string): void => {
      mkdirSync(dirname(folder.file(path)), { recursive: true });
      writeFileSync(folder.file(path), text);
    };
    put(".tidegate/journal.db", "");
    put(".tidegate/staging/journal.db", "");
    put(".tidegate/logs/keeper.log", "");
    try {
      const { code, stdout } = await run("status", "--env", "stagign");
      assert.equal(code, 0, stdout);
      assert.match(stdout, /^There is no plan file here, and nothing was released\.$/m);
      put("tidegate.yaml", "app: shop\n");
      const typo = await run("status", "--env", "stagign");
      assert.match(typo.stdout, /^Nothing was released yet in stagign\.$/m);
      assert.match(typo.stdout, /^Released here already: staging, production\. .*: --env staging$/m);
      const { code: refused, stderr } = await run("pause", "--yes", "--env", "prod");
      assert.equal(refused, 2);
      assert.match(stderr, /released here already: production, staging; if you mean one of these: --env production$/m);
    } finally {
      for (const path of ["tidegate.yaml", ".tidegate"]) rmSync(folder.file(path), { recursive: true });
    }
  });

  it("what acts on a release says so", async () => {
    for (const words of [["pause", "--yes"], ["approve", "--yes"], ["attach"]]) {
      const { code, stderr } = await run(...words);
      assert.equal(code, 2);
      assert.match(stderr, /^Nothing was released here yet in production\.$/m);
    }
  });

  it("down has nothing to stop", async () => {
    const { code, stdout } = await run("down", "--yes");
    assert.equal(code, 0);
    assert.match(stdout, /^Nothing of it runs here\.$/m);
  });
});

it("an older Node is told in one sentence what to do", async () => {
  const older = "Object.defineProperty(process.versions, 'node', { value: '22.3.0' })";
  const { code, stderr } = await tidegate(["--version"], {
    cwd: folder.path,
    node: ["--import", `data:text/javascript,${encodeURIComponent(older)}`],
  });
  assert.equal(code, 2);
  assert.match(stderr, /^Tidegate needs Node 24\.12 or later, and this is 22\.3\.0: .+\n$/);
});

it("a mistake of Tidegate's own is told in a sentence, with the details in a file", async () => {
  const broken =
    "import fs from 'node:fs'; fs.existsSync = () => { throw new Error('the moon is down'); }; import('node:module').then((m) => m.syncBuiltinESMExports());";
  const { code, stderr } = await tidegate(["status"], {
    cwd: folder.path,
    node: ["--import", `data:text/javascript,${encodeURIComponent(broken)}`],
  });
  assert.equal(code, 12);
  assert.match(stderr, /^Tidegate made a mistake that is its own, and stopped\.\n {2}cause {2}the moon is down$/m);
  const path = /the details are in (\S+\.log)/.exec(stderr)?.[1] ?? "";
  assert.match(readFileSync(path, "utf8"), /the moon is down\n\s+at /);
});
