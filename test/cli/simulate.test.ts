import { deepEqual, equal, match, notDeepEqual, ok, rejects } from "node:assert/strict";
import { after, describe, it } from "node:test";
import type { Context } from "../../src/cli/context.ts";
import { exitCodeOfFault } from "../../src/cli/exit-code.ts";
import { parse } from "../../src/cli/invocation.ts";
import { COMMANDS } from "../../src/cli/registry.ts";
import { runForecasts } from "../../src/cli/simulate/run-forecasts.ts";
import { comparisonOf } from "../../src/core/forecast/guards.ts";
import type { Forecast } from "../../src/core/forecast/forecast.ts";
import { describeFault, FaultError } from "../../src/core/fault.ts";
import { readProcess, ticksPerSecond } from "../../src/local/process-table.ts";
import { startCommand } from "../e2e/support/command.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";
import { until } from "../support/until.ts";
import { tidegate } from "./support/program.ts";

const folder = temporaryFolder();
after(() => folder[Symbol.asyncDispose]());
const simulate = (...args: readonly string[]): ReturnType<typeof tidegate> =>
  tidegate(["simulate", ...args], { cwd: folder.path });
const STEP = ["--rps", "50", "--weight", "5%", "--for", "5m"] as const;

interface Answer {
  readonly caught: number;
  readonly delayMs: { readonly median: number; readonly p95: number } | null;
  readonly falseRollback: number;
  readonly runs: number;
  readonly visitors?: Readonly<Record<string, number>>;
}

async function document(...args: readonly string[]): Promise<Answer> {
  const { code, stdout, stderr } = await simulate(...args, "--json");
  equal(code, 0, stderr);
  equal(stdout.trimEnd().split("\n").length, 1);
  return JSON.parse(stdout) as Answer;
}

describe("tidegate simulate", () => {
  it("says how many are caught, when, and how many healthy ones are put back", async () => {
    const faulty = await document(...STEP, "--stable-errors", "0.1%", "--candidate-errors", "5%", "--runs", "200");
    deepEqual(Object.keys(faulty), ["caught", "delayMs", "falseRollback"]);
    equal(faulty.caught, 1);
    ok(faulty.delayMs !== null && faulty.delayMs.median > 20_000 && faulty.delayMs.median < 45_000);
    ok(faulty.delayMs.p95 > faulty.delayMs.median && faulty.delayMs.p95 <= 300_000);
    ok(faulty.falseRollback <= 0.03);
  });

  it("has no delay where nothing is caught", async () => {
    const { caught, delayMs } = await document(...STEP, "--candidate-errors", "0.1%", "--runs", "20");
    deepEqual([caught, delayMs], [0, null]);
  });

  it("finds a slow candidate by its latencies", async () => {
    const { caught, delayMs } = await document(
      ...STEP,
      "--stable-p95",
      "92ms",
      "--candidate-slower",
      "2",
      "--runs",
      "20",
    );
    equal(caught, 1);
    ok((delayMs?.median ?? Number.NaN) < 120_000);
  });

  it("says how many healthy candidates are put back by unruly traffic", async () => {
    const healthy = await document("--a-a", ...STEP, "--runs", "10");
    deepEqual(Object.keys(healthy), ["falseRollback", "runs"]);
    equal(healthy.runs, 10);
    ok(healthy.falseRollback <= 0.2);
  });

  it("plays visitors who differ in speed where that is asked, and says who they were", async () => {
    const step = ["--rps", "100", "--for", "10m", "--stable-p95", "500ms", "--candidate-slower", "1.5", "--runs", "4"];
    const { caught, falseRollback, visitors } = await document(...step, "--own-speed", "1", "--known-for", "1h");
    deepEqual([caught, falseRollback], [1, 0]);
    deepEqual(visitors, {
      count: 4_000,
      activity: 1,
      bots: 0,
      alwaysFailing: 0,
      alwaysSlow: 0,
      ownSpeed: 1,
      knownForMs: 3_600_000,
      countOnceMs: 600_000,
    });
    const { stdout } = await simulate(...step, "--own-speed", "1");
    match(stdout, /^ {2}note +the formula and the limit take each request as somebody else's/m);
    match(
      stdout.replaceAll(/\s+/g, " "),
      /taken .*--visitors 4000 --activity 1 --known-for 20m, as nothing else was said/,
    );
  });

  it("comes out the same for the same seed, and otherwise for another", async () => {
    const args = [...STEP, "--candidate-errors", "1%", "--runs", "60", "--seed"];
    const [one, again, other] = await Promise.all(["7", "7", "8"].map((seed) => document(...args, seed)));
    deepEqual(one, again);
    notDeepEqual(one, other);
  });

  it("comes out the same with one thread and with three", async () => {
    const forecast: Forecast = {
      traffic: {
        rps: 50,
        share: 0.05,
        stableErrors: 0.001,
        candidateErrors: 0.02,
        latency: null,
        bursts: null,
        load: null,
        visitors: null,
      },
      seconds: 120,
      comparison: comparisonOf({ errors: 1 }, 1, 120),
      tempering: 1,
    };
    const { signal } = new AbortController();
    const options = { runs: 120, seed: 3, signal, onProgress: () => undefined };
    const one = await runForecasts([forecast, forecast], { ...options, threads: 1 });
    deepEqual(await runForecasts([forecast, forecast], { ...options, threads: 3 }), one);
    notDeepEqual(one[0], one[1]);
    ok(one[0]?.some((at) => at !== null));
  });

  it("stands a million requests a second", async () => {
    const { caught, delayMs } = await document(
      "--rps",
      "1000000",
      "--weight",
      "5%",
      "--for",
      "30s",
      "--candidate-errors",
      "1%",
      "--runs",
      "20",
    );
    deepEqual([caught, delayMs], [1, { median: 1_000, p95: 1_000 }]);
  });

  it("says which faults a step catches where none is given", async () => {
    const { code, stdout } = await simulate("--rps", "200", "--weight", "10%", "--for", "5m", "--runs", "40");
    equal(code, 0);
    match(stdout, /^A step of 5m at 10% of 200 requests a second catches error rates from [\d.]+% and answers/);
    match(stdout, /^ {2}5% errors +100% /m);
  });

  it("draws when faults are caught, and says what no method could, in ASCII and 100 columns where there is no more", async () => {
    const args = ["simulate", ...STEP, "--candidate-errors", "2%", "--runs", "50"];
    const { code, stdout } = await tidegate(args, { cwd: folder.path, env: { LANG: "C" } });
    equal(code, 0);
    match(stdout, /^[\x20-\x7E\n]+$/);
    ok(stdout.split("\n").every((line) => line.length <= 100));
    match(stdout, /^A candidate with 2% errors is caught in [\d.]+% of such steps/);
    match(stdout, /^ {2}by formula +\d/m);
    match(stdout, /^ {2}100% \| *[.+#]+$/m);
    match(
      stdout,
      /^ {2}limit at 50 requests a second and 5% such a fault takes about (?:\dm|\d\ds|\dm \d0s), and whatever/m,
    );
  });

  it("ends with 130 at Ctrl-C", async () => {
    const command = startCommand(["simulate", "--rps", "1000", "--weight", "5%", "--for", "7d", "--runs", "100000"], {
      cwd: folder.path,
      env: { PATH: process.env["PATH"], HOME: folder.path, LANG: "C.UTF-8" },
    });
    // Starting takes a few tenths of a second of processor time: after two seconds of it, it is playing.
    await until("it plays", () => (readProcess(command.pid)?.cpuTicks ?? 0) > 2 * ticksPerSecond() || undefined);
    command.kill("SIGINT");
    const { code, stderr } = await command.ended;
    equal(code, 130);
    match(stderr, /^Stopped before it was done\. Nothing was changed\.$/m);
  });

  const mistakes: readonly (readonly [readonly string[], RegExp])[] = [
    [["--rps", "0"], /^`0` will not do here\.\n {2}where {2}--rps 0\n {2}fix {4}Give the requests a second/m],
    [["--rps", "NaN"], /^`NaN` is not a number\.$/m],
    [["--rps", "-5"], /^`-5` will not do here\.$/m],
    [["--rps", "1e12"], /^`1e12` will not do here\.$/m],
    [["--weight", "5"], /^`5` has no unit\.\n {2}where {2}--weight 5\n {2}fix {4}Write `5%`\.$/m],
    [["--weight", "0%"], /^`0%` will not do here\.[^]*nothing to compare with\.$/m],
    [["--weight", "100%"], /^`100%` will not do here\./m],
    [["--weight", "120%"], /^`120%` is more than all of the traffic\.$/m],
    [["--for", "5"], /^`5` has no unit\.[^]*Write `5s` for seconds/m],
    [["--stable-p95", "100"], /^`100` has no unit\.[^]*Write `100ms`, or `100s` for seconds/m],
    [["--for", "0s"], /^`0s` will not do here\.$/m],
    [["--for", "1y"], /^`1y` is not a duration\.$/m],
    [["--candidate-errors", "120%"], /^`120%` will not do here\.$/m],
    [["--candidate-errors", "5"], /^`5` has no unit\.$/m],
    [["--candidate-slower", "1.3"], /^--candidate-slower needs to know how long stable takes\.$/m],
    [["--weights", "errors=0.8,p95=0.3"], /^The weights are 1\.1 together/m],
    [["--weights", "errors=-1"], /^A weight can't be `-1`\.$/m],
    [["--weights", "errors=NaN"], /^`NaN` is not a number\.$/m],
    [["--weights", "p96=1"], /^There is no guard `p96` here\.[^]*Did you mean `p95`\?/m],
    [["--weights", "errors=0"], /^No guard has a weight/m],
    [["--a-a", "--candidate-errors", "5%"], /^--a-a and a fault of the candidate exclude each other/m],
    [["--runs", "0"], /^`0` will not do here\.$/m],
    [["--runs", "1.5"], /^`1\.5` will not do here\.$/m],
    [["--seed", "x"], /^`x` is not a number\.$/m],
    [
      ["--own-speed", "1", "--visitors", "0"],
      /^--own-speed says what visitors are like, and with --visitors 0 there are none\.$/m,
    ],
    [["--own-speed", "4"], /^`4` will not do here\.[^]*a number from 0 to 3/m],
    [["--always-slow", "120%"], /^`120%` will not do here\.$/m],
    [["--known-for", "20"], /^`20` has no unit\./m],
    [["--known-for", "60d"], /^`60d` will not do here\.[^]*`0s` \(nobody is known\) to `28d`/m],
    [["--visitors", "1000", "--rps", "1e6"], /^To tell visitors apart each of/m],
    [["--candidate-eror", "5%"], /^Unknown option "--candidate-eror"\.\n {2}fix {4}did you mean --candidate-errors\?/m],
  ];
  for (const [words, message] of mistakes) {
    it(`"${words.join(" ")}" is told`, async () => {
      const definition = await COMMANDS.find(({ name }) => name === "simulate")?.load();
      ok(definition);
      await rejects(
        async () => {
          const read = parse("simulate", definition, words);
          // A mistake is told before anything is asked of the machine.
          await definition.run({ arguments: [], options: read.options, context: {} as Context });
        },
        (error) => {
          ok(error instanceof FaultError, String(error));
          match(describeFault(error.fault), message);
          return exitCodeOfFault(error.fault) === 2;
        },
      );
    });
  }
});
