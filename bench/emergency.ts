/**
 * How soon traffic is back when everything else fails, and how soon an absence is noticed: node bench/emergency.ts
 * [--json] [--quick]. Every request counts, resets included; ends with 1 when one failed or a goal was missed.
 */
import { type Absences, measureAbsences } from "./emergency/absences.ts";
import { putBack, type PutBacks, type Trouble } from "./emergency/put-backs.ts";
import { benchOptions, machine, machineLine, progress, table } from "./measure/output.ts";
import { spreadOf } from "./measure/statistics.ts";
import { scratchFolder } from "./measure/scratch-folder.ts";

const PUT_BACK_GOAL_MS = 1_000;
const TAKE_OVER_GOAL_MS = 2_000;
const RETURN_GOAL_MS = 2_000;
const TROUBLES: readonly Trouble[] = ["nothing", "no engine", "hung engine", "full disk"];

const { json, quick } = benchOptions();
const TIMES = quick ? 3 : 10;

await run();

async function run(): Promise<void> {
  await using folder = scratchFolder();
  const putBacks: PutBacks[] = [];
  const missing: Trouble[] = [];
  for (const trouble of TROUBLES) {
    progress(`rollback --now: ${trouble}`);
    const measured = await putBack(folder.file(trouble.replace(" ", "-")), trouble, TIMES);
    if (measured === null) missing.push(trouble);
    else putBacks.push(measured);
  }
  progress("absences");
  const absences = await measureAbsences(folder.file("absences"), TIMES);
  progress("");

  const loads = [...putBacks, absences];
  const failed = loads.reduce((sum, each) => sum + each.failed, 0);
  const slowest = Math.max(...putBacks.flatMap(({ toLastRequestMs }) => toLastRequestMs));
  const takeOverMs = Math.max(...absences.standbyActsMs, ...absences.attachActsMs);
  const offMs = Math.max(...absences.returnedMs.map((ms) => Math.abs(ms - absences.unwatchedMs)));
  const goals: readonly (readonly [boolean, string])[] = [
    [failed === 0, `${failed} failed requests (goal 0)`],
    [
      slowest < PUT_BACK_GOAL_MS,
      `rollback --now: last request begun on the candidate ${slowest} ms after the command's start at most (goal < ${PUT_BACK_GOAL_MS})`,
    ],
    [
      takeOverMs < TAKE_OVER_GOAL_MS,
      `another engine acts ${takeOverMs} ms after a kill -9 at most (goal < ${TAKE_OVER_GOAL_MS})`,
    ],
    [
      offMs < RETURN_GOAL_MS,
      `unwatched traffic is back on stable within ${offMs} ms of its time (goal < ${RETURN_GOAL_MS})`,
    ],
  ];
  const isGood = goals.every(([isMet]) => isMet);
  if (json) {
    const document = { type: "bench-emergency", machine: machine(), isGood, failed, missing, putBacks, absences };
    process.stdout.write(`${JSON.stringify(document, null, 2)}\n`);
  } else process.stdout.write(`${lines(putBacks, missing, absences, goals).join("\n")}\n`);
  process.exitCode = isGood ? 0 : 1;
}

function lines(
  putBacks: readonly PutBacks[],
  missing: readonly Trouble[],
  absences: Absences,
  goals: readonly (readonly [boolean, string])[],
): readonly string[] {
  const loads = [...putBacks, absences];
  return [
    "When everything else fails",
    machineLine(machine()),
    "",
    table(
      [
        "rollback --now, ms from the command's start: median / most",
        "last request begun",
        "read back",
        "command ended",
      ],
      putBacks.map(({ trouble, toLastRequestMs, toReadBackMs, commandMs }) => [
        trouble === "nothing" ? "a healthy engine" : trouble,
        both(toLastRequestMs),
        `${both(toReadBackMs)} *`,
        both(commandMs),
      ]),
    ),
    "* from where the command begins to act, without the start of its process",
    ...missing.map((trouble) => `not measured: ${trouble} (needs root on Linux)`),
    "",
    table(
      ["after a kill -9 of the engine, ms: median / most", ""],
      [
        ["a serve that stood by acts", both(absences.standbyActsMs)],
        ["attach, started in that moment, acts", both(absences.attachActsMs)],
        [`nobody: all traffic on stable, unwatched after ${absences.unwatchedMs}`, both(absences.returnedMs)],
      ],
    ),
    "",
    table(
      ["under load", "requests", "failed"],
      loads.map((load) => [load.what, load.requests.toLocaleString("en"), String(load.failed)]),
    ),
    ...loads.flatMap(({ what, failures }) => failures.map((failure) => `  ${what}: ${failure}`)),
    "",
    ...goals.map(([isMet, sentence]) => `${isMet ? "✔" : "✖"} ${sentence}`),
  ];
}

function both(values: readonly number[]): string {
  const { median, most } = spreadOf(values);
  return `${median.toFixed(0)} / ${most.toFixed(0)}`;
}
