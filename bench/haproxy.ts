/**
 * What users lose while an HAProxy's traffic is divided anew, how soon a candidate gets no more, and what it costs HAProxy
 * to tell of each request: node bench/haproxy.ts [--json] [--quick]. Ends with 1 when a goal was missed.
 */
import { measureObservation, type ObservationCost } from "./haproxy/observation.ts";
import { changeShares, type PutBacks, putBack, swapVersions } from "./haproxy/under-load.ts";
import { benchOptions, machine, machineLine, progress, table } from "./measure/output.ts";
import { scratchFolder } from "./measure/scratch-folder.ts";
import { quantile } from "./measure/statistics.ts";
import { type UnderLoad, underLoadLines } from "./switching/under-load.ts";

const GOAL_MS = 50;
const GOAL_PERCENT = 10;

const { json, quick } = benchOptions();

await run();

async function run(): Promise<void> {
  await using folder = scratchFolder();
  progress("changing shares");
  const changes = await changeShares(50);
  progress("swapping versions");
  const swaps = await swapVersions(quick ? 5 : 20);
  progress("putting back");
  const backs = await putBack(quick ? 10 : 50);
  progress("observing");
  const cost = await measureObservation(folder.path, quick ? 2 : 7);
  progress("");
  const loads = [changes, swaps, backs];
  const failed = loads.reduce((sum, each) => sum + each.failed, 0);
  const p99Ms = quantile(backs.toLastRequestMs, 0.99);
  const isGood = failed === 0 && p99Ms < GOAL_MS && cost.addedPercent <= GOAL_PERCENT && cost.lost === 0;
  if (json)
    process.stdout.write(
      `${JSON.stringify({ type: "bench-haproxy", machine: machine(), isGood, failed, p99Ms, loads, cost }, null, 2)}\n`,
    );
  else process.stdout.write(`${lines(loads, backs, cost).join("\n")}\n`);
  process.exitCode = isGood ? 0 : 1;
}

function lines(loads: readonly UnderLoad[], backs: PutBacks, cost: ObservationCost): readonly string[] {
  const failed = loads.reduce((sum, each) => sum + each.failed, 0);
  const p99Ms = quantile(backs.toLastRequestMs, 0.99);
  const mark = (isGood: boolean): string => (isGood ? "✔" : "✖");
  return [
    "HAProxy, divided by Tidegate, under load",
    machineLine(machine()),
    "",
    ...underLoadLines(loads),
    "",
    table(
      ["put back, ms from the decision", "p50", "p95", "p99"],
      [
        ["to the last request begun on the candidate", ...figures(backs.toLastRequestMs)],
        ["to HAProxy's own answer, files written", ...figures(backs.toReadBackMs)],
      ],
    ),
    "",
    table(
      ["HAProxy's processor time a request", "µs"],
      [
        ["as it was before Tidegate", cost.plainUs.toFixed(1)],
        ["with Tidegate's rules", cost.rulesUs.toFixed(1)],
        ["and telling of each request", cost.observedUs.toFixed(1)],
      ],
    ),
    "",
    `${mark(failed === 0)} ${failed} failed requests (goal 0)`,
    `${mark(p99Ms < GOAL_MS)} put back: last request on the candidate after ${p99Ms} ms p99 (goal < ${GOAL_MS})`,
    `${mark(cost.addedPercent <= GOAL_PERCENT)} telling of requests costs ${cost.addedPercent.toFixed(1)} % (goal ≤ ${GOAL_PERCENT} %)`,
    `${mark(cost.lost === 0)} of ${cost.requests.toLocaleString("en")} requests ${cost.lost} were not told of (goal 0)`,
  ];
}

function figures(values: readonly number[]): string[] {
  return [0.5, 0.95, 0.99].map((q) => quantile(values, q)).map((ms) => ms.toFixed(0));
}
