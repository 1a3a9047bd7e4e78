/**
 * How often a healthy version is put back, and what is caught, in full: node bench/operating.ts [--json] [--quick] [--only WORDS].
 * The published tables of the method again, by the program's own comparison. Ends with 1 when a figure is further from its table
 * than chance allows. `--quick` plays a tenth; `--only` what has those words in its name.
 */
import { parseArgs } from "node:util";
import { atMost } from "../src/cli/render/chance.ts";
import { runForecasts } from "../src/cli/simulate/run-forecasts.ts";
import { type ForecastResult, summarize } from "../src/core/forecast/forecast.ts";
import { machine, machineLine, progress, table } from "./measure/output.ts";
import type { Line } from "./operating/line.ts";
import { detections, falseRollbacks } from "./operating/requests.ts";
import { kindsOfVisitors, slowdowns, waysOfCounting, waysOfTiming } from "./operating/visitors.ts";

const { values } = parseArgs({
  options: { json: { type: "boolean" }, quick: { type: "boolean" }, only: { type: "string" } },
});
const { json = false, quick = false, only = "" } = values;

interface Played extends Line {
  readonly result: ForecastResult;
}

const LINES: readonly Line[] = [
  ...falseRollbacks(),
  ...waysOfCounting(),
  ...waysOfTiming(),
  ...kindsOfVisitors(),
  ...detections(),
  ...slowdowns(),
].filter(({ name }) => name.includes(only));

const played: Played[] = [];
for (const [index, line] of LINES.entries()) {
  progress(`${index + 1} of ${LINES.length}: ${line.name}`);
  const runs = quick ? Math.ceil(line.runs / 10) : line.runs;
  const { signal } = new AbortController();
  const [caughtAt = []] = await runForecasts([line.forecast], { runs, seed: 1, signal, onProgress: () => undefined });
  played.push({ ...line, runs, result: summarize(caughtAt) });
}
progress("");
tell();

/** Within three and a half standard deviations of both simulations: how many the published one had is a guess. */
function isWithinChance({
  published,
  publishedRuns = 2_000,
  isBound,
  isLeast,
  runs,
  result: { caught },
}: Played): boolean {
  if (published === null) return true;
  const part = Math.max(published, 2 / runs, 1 / publishedRuns);
  const deviation = Math.sqrt(part * (1 - part) * (1 / runs + 1 / publishedRuns)) + 0.0005;
  const off = caught - published;
  if (isLeast === true) return off >= -3.5 * deviation;
  return isBound === true ? off <= 3.5 * deviation : Math.abs(off) <= 3.5 * deviation;
}

function tell(): void {
  const isGood = played.every(isWithinChance);
  process.exitCode = isGood ? 0 : 1;
  if (json) {
    const lines = played.map((line) => ({
      name: line.name,
      published: line.published,
      isGood: isWithinChance(line),
      ...line.result,
      atMost: atMost(line.result.caught, line.runs),
    }));
    process.stdout.write(
      `${JSON.stringify({ type: "bench-operating", machine: machine(), isGood, lines }, null, 2)}\n`,
    );
    return;
  }
  const percent = (part: number): string => `${Number((part * 100).toFixed(2))} %`;
  const rows = played.map((line) => {
    const { delaySeconds } = line.result;
    const delay =
      delaySeconds === null || line.name.startsWith("healthy") ? "" : `${delaySeconds.median} / ${delaySeconds.p95} s`;
    const sign = line.isBound === true ? "≤ " : line.isLeast === true ? "≥ " : "";
    return [
      `${isWithinChance(line) ? "✔" : "✖"} ${line.name}`,
      percent(line.result.caught),
      percent(atMost(line.result.caught, line.runs)),
      line.published === null ? "" : `${sign}${percent(line.published)}`,
      delay,
      String(line.runs),
    ];
  });
  process.stdout.write(
    [
      "Rolled back by comparison, by the program's own comparison on made-up traffic",
      machineLine(machine()),
      "",
      table(["", "rolled back", "surely at most", "published", "median / p95", "runs"], rows),
      "",
    ].join("\n"),
  );
}
