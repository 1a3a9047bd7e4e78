/**
 * What users lose while traffic is switched, and how soon a rollback is in force: node bench/switching.ts [--json]
 * [--quick]. Every request counts, resets included; ends with 1 when one failed or a goal was missed.
 */
import { benchOptions, machine, machineLine, progress, table } from "./measure/output.ts";
import { quantile } from "./measure/statistics.ts";
import { rollBack, type Rollbacks } from "./switching/rollbacks.ts";
import { measureSplit, type Split } from "./switching/split.ts";
import { swapVersions } from "./switching/swaps.ts";
import { type UnderLoad, underLoadLines } from "./switching/under-load.ts";
import { changeWeights } from "./switching/weights.ts";
import { scratchFolder } from "./measure/scratch-folder.ts";

const GOAL_MS = 50;

const { json, quick } = benchOptions();
const ROLLBACKS = quick ? 10 : 50;
const SPLIT_REQUESTS = quick ? 20_000 : 100_000;

await run();

async function run(): Promise<void> {
  await using folder = scratchFolder();
  progress("changing weights");
  const weights = await changeWeights(folder.file("weights"), 50);
  progress("swapping versions");
  const swaps = await swapVersions(folder.file("swaps"), quick ? 5 : 20);
  progress("rolling back");
  const rollbacks = await rollBack(folder.file("rollbacks"), ROLLBACKS);
  progress("splitting");
  const splits = await measureSplit(folder.file("split"), SPLIT_REQUESTS);
  progress("");

  const loads = [weights, swaps, rollbacks];
  const failed = loads.reduce((sum, each) => sum + each.failed, 0);
  const p99Ms = quantile(rollbacks.toLastRequestMs, 0.99);
  const isGood = failed === 0 && p99Ms < GOAL_MS && splits.every((split) => split.isGood);
  if (json) {
    const document = { type: "bench-switching", machine: machine(), isGood, failed, p99Ms, loads, splits };
    process.stdout.write(`${JSON.stringify(document, null, 2)}\n`);
  } else process.stdout.write(`${lines(loads, rollbacks, splits).join("\n")}\n`);
  process.exitCode = isGood ? 0 : 1;
}

function lines(loads: readonly UnderLoad[], rollbacks: Rollbacks, splits: readonly Split[]): readonly string[] {
  const failed = loads.reduce((sum, each) => sum + each.failed, 0);
  const p99Ms = quantile(rollbacks.toLastRequestMs, 0.99);
  return [
    "Switching under load",
    machineLine(machine()),
    "",
    ...underLoadLines(loads),
    "",
    table(
      ["rollback, ms from the decision in the journal", "p50", "p95", "p99"],
      [
        ["to the last request begun on the candidate", ...figures(rollbacks.toLastRequestMs)],
        ["to the share read back", ...figures(rollbacks.toReadBackMs)],
        ["from the person's request to the decision", ...figures(rollbacks.toDecisionMs)],
      ],
    ),
    "",
    table(
      ["split at 5 %", "requests", "share", "allowed", "misplaced", "failed"],
      splits.map((split) => [
        split.what,
        split.requests.toLocaleString("en"),
        `${split.percent.toFixed(3)} %`,
        split.allowedPercent === 0 ? "exact" : `± ${split.allowedPercent.toFixed(3)} %`,
        split.misplaced === null ? "–" : String(split.misplaced),
        String(split.failed),
      ]),
    ),
    "",
    `${failed === 0 ? "✔" : "✖"} ${failed} failed requests (goal 0)`,
    `${p99Ms < GOAL_MS ? "✔" : "✖"} rollback: last request on the candidate after ${p99Ms} ms p99 (goal < ${GOAL_MS})`,
    ...splits.map(({ what, isGood }) => `${isGood ? "✔" : "✖"} split ${what}`),
  ];
}

function figures(values: readonly number[]): string[] {
  return [0.5, 0.95, 0.99].map((q) => quantile(values, q)).map((ms) => ms.toFixed(0));
}
