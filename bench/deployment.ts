/**
 * How long a deployment takes without its holds, step by step: node bench/deployment.ts [--json]. The example shop, v1
 * serving under load, then v2 by the command line, as a user would: smoke test, warming, three shares, retirement.
 */
import { once } from "node:events";
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { createShopRepository } from "../src/demo/shop-repository.ts";
import { type StepTime, stepTimes } from "./deployment/step-times.ts";
import { benchOptions, machine, machineLine, progress, table } from "./measure/output.ts";
import { freePort, startProgram } from "./measure/started-program.ts";
import { keptFolder } from "./measure/kept-folder.ts";
import { scratchFolder } from "./measure/scratch-folder.ts";

type Document = Readonly<Record<string, unknown>>;

interface Deployment {
  /** From the start of the command to the end of its last step, with its holds. */
  readonly totalMs: number;
  readonly heldMs: number;
  readonly deploymentMs: number;
  /** From the start of the command to the first step. */
  readonly beforeMs: number;
  readonly steps: readonly StepTime[];
}

const GOAL_MS = 15_000;
/** Enough for the guards to have their evidence within the plan's eight seconds a share. */
const REQUESTS_PER_SECOND = 300;
const RELEASED_WITHIN_MS = 120_000;
const TIDEGATE = fileURLToPath(new URL("../src/main.ts", import.meta.url));
const LOAD = fileURLToPath(new URL("../src/demo/load.ts", import.meta.url));

const { json } = benchOptions();

await run();

async function run(): Promise<void> {
  await using folder = scratchFolder();
  const shop = folder.file("shop");
  const data = folder.file("data");
  mkdirSync(data);
  const versions = await createShopRepository(shop);
  const port = await freePort();
  // The plan file as it is, but for the port, which may be somebody else's here.
  writeFileSync(join(shop, "tidegate.production.yaml"), `traffic: { embedded: ${port} }\n`);
  const env = { ...process.env, SHOP_DATA: data, PATH: `${dirname(process.execPath)}:${process.env["PATH"] ?? ""}` };
  const tidegate = (...words: string[]): Promise<readonly Document[]> => runTidegate(words, shop, env);
  await using _kept = keptFolder(join(shop, ".tidegate"));
  progress("v1");
  await tidegate("release", versions.v1);
  await using _load = startProgram(
    process.execPath,
    [LOAD, "--url", `http://127.0.0.1:${port}`, "--rate", String(REQUESTS_PER_SECOND)],
    { env },
  );
  progress("v2");
  const begunAt = Date.now();
  tell(deploymentOf(await tidegate("release", versions.v2), begunAt));
}

async function runTidegate(words: readonly string[], cwd: string, env: NodeJS.ProcessEnv): Promise<Document[]> {
  await using started = startProgram(process.execPath, [TIDEGATE, ...words, "--json"], {
    cwd,
    env,
    stdio: ["ignore", "pipe", "inherit"],
  });
  const { child } = started;
  if (child.stdout === null) throw new Error("its output was asked for");
  const documents: Document[] = [];
  createInterface({ input: child.stdout }).on("line", (line) => documents.push(JSON.parse(line) as Document));
  const timer = setTimeout(() => child.kill("SIGTERM"), RELEASED_WITHIN_MS);
  const [code] = (await once(child, "close")) as [number | null];
  clearTimeout(timer);
  if (code !== 0)
    throw new Error(`tidegate ${words.join(" ")} ended with ${code}: ${JSON.stringify(documents.at(-1))}`);
  return documents;
}

function deploymentOf(documents: readonly Document[], begunAt: number): Deployment {
  const steps = stepTimes(documents);
  const first = documents.find(({ type }) => type === "step-started")?.["atMs"] as number;
  const last = documents.findLast(({ type }) => type === "step-passed")?.["atMs"] as number;
  const heldMs = steps.reduce((sum, step) => sum + step.heldMs, 0);
  const totalMs = last - begunAt;
  return { totalMs, heldMs, deploymentMs: totalMs - heldMs, beforeMs: first - begunAt, steps };
}

function tell(deployment: Deployment): void {
  const { totalMs, heldMs, deploymentMs, beforeMs, steps } = deployment;
  const isGood = deploymentMs < GOAL_MS;
  const seconds = (ms: number): string => `${(ms / 1_000).toFixed(2)} s`;
  if (json) {
    process.stdout.write(
      `${JSON.stringify({ type: "bench-deployment", machine: machine(), goalMs: GOAL_MS, isGood, ...deployment }, null, 2)}\n`,
    );
  } else {
    progress("");
    const rows = steps.map(({ name, workedMs, heldMs: held }) => [
      name,
      seconds(workedMs),
      held === 0 ? "" : seconds(held),
    ]);
    process.stdout.write(
      [
        `Deployment of the example shop, v1 → v2, under ${REQUESTS_PER_SECOND} requests a second`,
        machineLine(machine()),
        "",
        table(["step", "worked", "held"], [["(start of the command)", seconds(beforeMs), ""], ...rows]),
        "",
        `${isGood ? "✔" : "✖"} ${seconds(deploymentMs)} without holds (goal < ${seconds(GOAL_MS)}); ${seconds(totalMs)} with ${seconds(heldMs)} of them`,
        "",
      ].join("\n"),
    );
  }
  process.exitCode = isGood ? 0 : 1;
}
