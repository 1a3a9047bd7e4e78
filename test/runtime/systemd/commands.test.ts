import assert from "node:assert/strict";
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { createSystemdRuntime } from "../../../src/adapters/runtime/systemd/runtime.ts";
import { surveySystemd } from "../../../src/adapters/runtime/systemd/survey.ts";
import { systemctl } from "../../../src/adapters/runtime/systemd/systemctl.ts";
import type { SystemdRuntime } from "../../../src/core/plan/service.ts";
import { stateFolder, type StateFolder } from "../../../src/local/state-folder.ts";
import type { Runtime, StartOrder } from "../../../src/ports/runtime.ts";
import { isFault } from "../../contract/runtime.ts";
import { planOf, step, WEB } from "../../support/plans.ts";
import { temporaryFolder } from "../../support/temporary-folder.ts";
import { until } from "../../support/until.ts";

const UNIT = "tidegate-shop-production-web-green-v1@0.service";

/** What the recorded systemctl answers to a verb: what it writes, and its code. */
interface Answer {
  readonly output?: string;
  readonly errors?: string;
  readonly code?: number;
}

interface Recorded extends AsyncDisposable {
  readonly folder: StateFolder;
  readonly unitsFolder: string;
  readonly env: Readonly<Record<string, string>>;
  readonly runtime: Runtime;
  readonly order: StartOrder;
  answer(verb: string, answer: Answer): void;
  /** Argument lists since the last time, without what every call has. */
  calls(): readonly (readonly string[])[];
}

/** Whole at once: it may be read in the same moment. */
function put(file: string, text: string): void {
  writeFileSync(`${file}.new`, text);
  renameSync(`${file}.new`, file);
}

/** A systemctl that writes down what it is asked and answers as it was told: root's, whoever runs the tests. */
function recorded(unit: Partial<SystemdRuntime> = {}): Recorded {
  const temporary = temporaryFolder();
  const bin = temporary.file("bin");
  const answers = temporary.file("answers");
  mkdirSync(bin);
  mkdirSync(answers);
  const log = temporary.file("calls");
  const script = `#!/bin/sh
printf '%s\\n' "$(printf '%s\\t' "$@")" >> '${log}'
for word in "$@"; do case "$word" in --version) verb=version; break ;; --*) ;; *) verb=$word; break ;; esac; done
cat '${answers}'/"$verb" 2>/dev/null
cat '${answers}'/"$verb.errors" >&2 2>/dev/null
exit "$(cat '${answers}'/"$verb.code" 2>/dev/null || echo 0)"
`;
  for (const program of ["systemctl", "systemd-analyze"]) writeFileSync(join(bin, program), script, { mode: 0o755 });
  const env = { PATH: `${bin}:${process.env["PATH"] ?? ""}`, HOME: temporary.path, SHOP_TOKEN: "hunter2" };
  const folder = stateFolder(temporary.file("state"));
  const unitsFolder = temporary.file("units");
  const stub = (): Promise<never> => Promise.reject(new Error("not asked"));
  const answer: Recorded["answer"] = (verb, { output = "", errors = "", code = 0 }) => {
    put(join(answers, verb), output);
    put(join(answers, `${verb}.errors`), errors);
    put(join(answers, `${verb}.code`), String(code));
  };
  answer("version", { output: "systemd 252 (252.38-1~deb12u1)\n+PAM +AUDIT\n" });
  answer("show", { output: shown("active", "running") });
  let read = 0;
  return {
    folder,
    unitsFolder,
    env,
    runtime: createSystemdRuntime({
      app: "shop",
      environment: "production",
      planFolder: temporary.path,
      folder,
      env,
      unitsFolder,
      uid: 0,
      versions: { prepare: stub, prune: () => Promise.resolve([]), commits: stub, resolve: stub, adopt: stub },
    }),
    order: {
      app: "shop",
      environment: "production",
      service: {
        ...WEB,
        env: { TOKEN: "${SHOP_TOKEN}", LEVEL: "100% $5" },
        runtime: { kind: "systemd", directory: ".", run: "node server.js", files: [], properties: {}, ...unit },
      },
      version: "v1",
      slot: "green",
      index: 0,
      role: "inactive",
      directory: temporary.file("state", "versions", "v1"),
      secrets: {},
    },
    answer,
    calls() {
      // A line that is just being written counts the next time.
      const all = existsSync(log) ? readFileSync(log, "utf8").split("\n").slice(0, -1) : [];
      const fresh = all.slice(read);
      read = all.length;
      return fresh.map((line) =>
        line
          .replace(/\t$/, "")
          .split("\t")
          .filter((word) => !["--system", "--no-ask-password", "--no-pager"].includes(word)),
      );
    },
    [Symbol.asyncDispose]: () => temporary[Symbol.asyncDispose](),
  };
}

/** As `systemctl show` writes it, which knows more than it is asked for. */
function shown(active: string, sub: string, more = ""): string {
  return `MainPID=0\nNRestarts=0\nExecMainStartTimestampMonotonic=5000000\nMemoryCurrent=[not set]\nCPUUsageNSec=[not set]\nMemoryMax=infinity\nControlGroup=/system.slice/x\nId=${UNIT}\nLoadState=loaded\nActiveState=${active}\nSubState=${sub}\nJob=\n${more}`;
}

async function untilAsked(world: Recorded, verb: string, asked: (readonly string[])[]): Promise<void> {
  await until(`it is asked to ${verb}`, () => {
    asked.push(...world.calls());
    return asked.some(([word]) => word === verb);
  });
}

const isShow = ([verb]: readonly string[]): boolean => verb === "show";

describe("what systemd is asked for", () => {
  it("at the first start: to read the template once, to start the instance now and at every boot", async () => {
    await using world = recorded();
    const seen = await world.runtime.start(world.order);
    assert.equal(seen.id, "web-green-0-v1");
    assert.match(seen.address ?? "", /^127\.0\.0\.1:\d+$/);
    assert.deepEqual(
      world.calls().filter((call) => !isShow(call)),
      [["--version"], ["daemon-reload"], ["enable", "--no-reload", "--quiet", "--", UNIT], ["start", "--", UNIT]],
    );
    assert.deepEqual(readdirSync(world.unitsFolder), ["tidegate-shop-production-web-green-v1@.service"]);
    await world.runtime.start({ ...world.order, index: 1 });
    assert.ok(!world.calls().some(([verb]) => verb === "daemon-reload"), "the other instances have the same template");
  });

  it("of one that runs: nothing but how it is", async () => {
    await using world = recorded();
    await world.runtime.start(world.order);
    world.calls();
    await world.runtime.start(world.order);
    await world.runtime.instances();
    assert.ok(world.calls().every(isShow));
  });

  it("at the end: to stop it, and not to bring it back", async () => {
    await using world = recorded();
    const { id } = await world.runtime.start(world.order);
    world.answer("show", { output: shown("active", "running") });
    world.calls();
    const stopping = world.runtime.stop(id, 20_000);
    const asked: (readonly string[])[] = [];
    await untilAsked(world, "disable", asked);
    world.answer("show", { output: shown("inactive", "dead") });
    assert.deepEqual(await stopping, {});
    assert.deepEqual(
      [...asked, ...world.calls()].filter((call) => !isShow(call)),
      [
        ["stop", "--no-block", "--", UNIT],
        ["disable", "--no-reload", "--quiet", "--", UNIT],
        ["reset-failed", "--", UNIT],
      ],
    );
    assert.deepEqual(readdirSync(world.folder.file("systemd", "units", UNIT)), ["instance.json"]);
  });

  it("of one that does not end in its time: to end it", async () => {
    await using world = recorded();
    const { id } = await world.runtime.start(world.order);
    world.calls();
    const stopping = world.runtime.stop(id, 0);
    const asked: (readonly string[])[] = [];
    await untilAsked(world, "kill", asked);
    world.answer("show", { output: shown("failed", "failed") });
    assert.deepEqual(await stopping, { wasKilled: true });
    assert.ok(asked.some((call) => call.join(" ") === `kill --signal=SIGKILL -- ${UNIT}`));
  });

  it("nothing at all where it never ran anything", async () => {
    await using world = recorded();
    assert.deepEqual(await world.runtime.instances(), []);
    assert.deepEqual(world.calls(), []);
  });

  it("never with a secret: that is in the instance's own file, which nobody else reads", async () => {
    await using world = recorded();
    await world.runtime.start(world.order);
    const file = world.folder.file("systemd", "units", UNIT, "environment");
    assert.equal(statSync(file).mode & 0o777, 0o600);
    const text = readFileSync(file, "utf8");
    assert.match(text, /^TOKEN="hunter2"$/m);
    assert.match(text, /^LEVEL="100% \\\$5"$/m);
    assert.match(text, /^TIDEGATE_PORT="\d+"$/m);
    assert.doesNotMatch(text, /^HOME=/m, "systemd knows the account's own");
    const others = [
      ...readdirSync(world.unitsFolder).map((name) => join(world.unitsFolder, name)),
      world.folder.file("systemd", "units", UNIT, "instance.json"),
    ];
    for (const other of others) assert.ok(!readFileSync(other, "utf8").includes("hunter2"), other);
    assert.ok(!JSON.stringify(world.calls()).includes("hunter2"));
  });
});

describe("crashes of an instance", () => {
  it("are counted on over a boot, at which systemd begins from nothing", async () => {
    await using world = recorded();
    await world.runtime.claim(1);
    await world.runtime.start(world.order);
    const restarts = async (counted: number): Promise<number | undefined> => {
      world.answer("show", { output: shown("active", "running").replace("NRestarts=0", `NRestarts=${counted}`) });
      return (await world.runtime.instances())[0]?.restarts;
    };
    assert.deepEqual([await restarts(2), await restarts(3), await restarts(0), await restarts(1)], [2, 3, 3, 4]);
  });
});

describe("what hinders a release by systemd is said with a way out", () => {
  it("no right to change units", async () => {
    await using world = recorded();
    for (const verb of ["enable", "stop"])
      world.answer(verb, { errors: `Failed to ${verb} unit: Access denied\n`, code: 1 });
    await assert.rejects(world.runtime.start(world.order), isFault("systemd-denied"));
  });

  it("a unit that can't be started: it is not left to be tried for ever", async () => {
    await using world = recorded();
    world.answer("start", {
      errors: "Job for x failed because the control process exited with error code.\n",
      code: 1,
    });
    world.answer("show", { output: shown("inactive", "dead") });
    await assert.rejects(world.runtime.start(world.order), isFault("instance-not-started"));
    assert.ok(world.calls().some(([verb]) => verb === "disable"));
    const [seen] = await world.runtime.instances();
    assert.deepEqual([seen?.state, seen?.isLost], ["exited", undefined]);
  });

  it("a unit of the same name that Tidegate did not write: it is left as it is", async () => {
    await using world = recorded();
    mkdirSync(world.unitsFolder);
    const path = join(world.unitsFolder, "tidegate-shop-production-web-green-v1@.service");
    writeFileSync(path, "[Service]\nExecStart=/usr/bin/true\n");
    await assert.rejects(world.runtime.start(world.order), isFault("unit-foreign"));
    assert.equal(readFileSync(path, "utf8"), "[Service]\nExecStart=/usr/bin/true\n");
    assert.ok(!world.calls().some(([verb]) => verb === "start"));
  });

  it("no systemd, nobody's own systemd, no systemctl", async () => {
    await using world = recorded();
    const errors = "Failed to connect to bus: No such file or directory\n";
    world.answer("show", { errors, code: 1 });
    await assert.rejects(systemctl(world.env, 0).show([UNIT], ["Id"]), (error: Error) => {
      assert.ok(isFault("runtime-unreachable")(error));
      return /does not run on this machine/.test(error.message);
    });
    await assert.rejects(systemctl(world.env, 1_000).show([UNIT], ["Id"]), /no systemd of their own/);
    await assert.rejects(systemctl({ PATH: world.unitsFolder }, 0).run("start", UNIT), isFault("runtime-unreachable"));
  });

  it("is found out before: what runs, whose account it is, whose units lie there", async () => {
    await using world = recorded();
    world.answer("is-system-running", { output: "degraded\n", code: 1 });
    mkdirSync(world.unitsFolder);
    writeFileSync(join(world.unitsFolder, "tidegate-shop-production-web-green-x@.service"), "[Service]\n");
    const look = async (unit: Partial<SystemdRuntime>) => {
      const runtime = { ...world.order.service.runtime, ...unit } as SystemdRuntime;
      const plan = planOf([step.start()], { services: [{ ...world.order.service, runtime }] });
      const { folder, env, unitsFolder } = world;
      return (await surveySystemd({ plan, folder, env, unitsFolder, uid: 0 })).map(
        ({ about, level, sentence }) => `${level} ${about}: ${sentence}`,
      );
    };
    const [runs, unit, foreign, account] = await look({});
    assert.match(unit ?? "", /^info web: systemd runs it as tidegate-shop-production-web-SLOT-VERSION@/);
    assert.equal(runs, "ok systemd: the system's own, 252, degraded");
    assert.match(foreign ?? "", /^warn tidegate-shop-production-web-green-x@\.service: .*not written for this state/);
    assert.equal(account, "warn web: it runs as root");
    assert.ok((await look({ user: "nobody-of-that-name" })).includes("bad web: there is no user nobody-of-that-name"));
    // As systemd 252 says it, which ends with 0 all the same.
    const errors = [
      "/tmp/tidegate-unit-a/tidegate@.service:4: Failed to parse resource value, ignoring: banana",
      "/tmp/tidegate-unit-a/tidegate@.service:5: Unknown key 'LimitNOFIL' in section [Service], ignoring.",
      "tidegate@i.service: Command /bin/true is not executable: No such file or directory",
    ];
    world.answer("verify", { errors: `${errors.join("\n")}\n` });
    const properties = { ProtectHome: ["yes"], LimitNOFILE: ["banana"], LimitNOFIL: ["65536"] };
    assert.deepEqual((await look({ properties })).slice(-2), [
      "bad web: systemd would leave out `LimitNOFILE: banana`: Failed to parse resource value",
      "bad web: systemd would leave out `LimitNOFIL: 65536`: Unknown key 'LimitNOFIL' in section [Service]",
    ]);
    world.answer("is-system-running", { output: "offline\n", code: 1 });
    assert.deepEqual(await look({}), ["bad systemd: it does not run here"]);
  });
});
