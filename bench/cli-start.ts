/**
 * How long the command line takes to start, from source and as it is published, against bare Node: node
 * bench/cli-start.ts [--json] [--quick]. What is measured is the whole process, from spawn to exit.
 */
import { spawnSync } from "node:child_process";
import { cpSync, symlinkSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { temporaryFolder, type TemporaryFolder } from "../test/support/temporary-folder.ts";
import { projectWithRelease } from "./cli/project-with-release.ts";
import { benchOptions, machine, machineLine, progress, table } from "./measure/output.ts";
import { type Spread, spreadOf } from "./measure/statistics.ts";

interface Start {
  readonly name: string;
  readonly args: readonly string[];
  readonly cwd: string;
}

interface Figures extends Spread {
  readonly name: string;
  /** More than bare Node, in the middle of the rounds. */
  readonly beyondNodeMs: number;
}

const GOAL_MS = 150;
const BARE = "node -e 0";
const ROOT = fileURLToPath(new URL("..", import.meta.url));

const { json, quick } = benchOptions();
const ROUNDS = quick ? 7 : 25;

await run();

async function run(): Promise<void> {
  await using folder = temporaryFolder();
  progress("building");
  const published = build(folder);
  const project = await projectWithRelease(folder.file("project"));
  const starts: Start[] = [{ name: BARE, args: ["-e", "0"], cwd: folder.path }];
  for (const [place, main] of [
    ["source", fileURLToPath(new URL("../src/main.ts", import.meta.url))],
    ["published", published],
  ] as const) {
    for (const command of ["--version", "--help"])
      starts.push({ name: `${command}, ${place}`, args: [main, command], cwd: folder.path });
    starts.push({ name: `status, nothing there, ${place}`, args: [main, "status"], cwd: folder.path });
    starts.push({ name: `status, one release, ${place}`, args: [main, "status"], cwd: project });
  }
  // Node's compile cache is filled by the first start, as it is for a user.
  for (const start of starts) timed(start);
  const times = new Map<string, number[]>();
  for (let round = 0; round < ROUNDS; round += 1) {
    progress(`round ${round + 1} of ${ROUNDS}`);
    for (const start of starts) times.set(start.name, [...(times.get(start.name) ?? []), timed(start)]);
  }
  progress("");
  tell(starts.map(({ name }) => figuresOf(name, times)));
}

/** What is published, in a folder of its own: dist/ may be in use by others. Answers its main file. */
function build(folder: TemporaryFolder): string {
  const dist = folder.file("package", "dist");
  const compiled = spawnSync(
    process.execPath,
    [`${ROOT}node_modules/typescript/bin/tsc`, "-p", "tsconfig.build.json", "--outDir", dist],
    { cwd: ROOT, encoding: "utf8" },
  );
  if (compiled.status !== 0) throw new Error(`The package can't be built:\n${compiled.stdout}${compiled.stderr}`);
  cpSync(`${ROOT}package.json`, folder.file("package", "package.json"));
  symlinkSync(`${ROOT}node_modules`, folder.file("package", "node_modules"));
  return `${dist}/main.js`;
}

function timed({ name, args, cwd }: Start): number {
  const begun = performance.now();
  const ended = spawnSync(process.execPath, args, { cwd, encoding: "utf8", env: { ...process.env, NO_COLOR: "1" } });
  const took = performance.now() - begun;
  if (ended.status !== 0) throw new Error(`"${name}" ended with ${ended.status}:\n${ended.stderr}`);
  return took;
}

function figuresOf(name: string, times: ReadonlyMap<string, readonly number[]>): Figures {
  const mine = times.get(name) ?? [];
  const bare = times.get(BARE) ?? [];
  const beyond = mine.map((ms, round) => ms - (bare[round] ?? Number.NaN));
  return { name, ...spreadOf(mine), beyondNodeMs: spreadOf(beyond).median };
}

function tell(figures: readonly Figures[]): void {
  const slowest = figures.reduce((a, b) => (a.median > b.median ? a : b));
  const isGood = slowest.median < GOAL_MS;
  if (json) {
    process.stdout.write(
      `${JSON.stringify({ type: "bench-cli-start", machine: machine(), goalMs: GOAL_MS, isGood, figures }, null, 2)}\n`,
    );
  } else {
    const rows = figures.map(({ name, median, least, most, beyondNodeMs }) => [
      name,
      `${median.toFixed(0)} ms`,
      `${least.toFixed(0)} – ${most.toFixed(0)}`,
      name === BARE ? "" : `+${beyondNodeMs.toFixed(0)} ms`,
    ]);
    process.stdout.write(
      [
        `Start of the command line, from spawn to exit; median of ${ROUNDS} rounds`,
        machineLine(machine()),
        "",
        table(["", "median", "spread", "beyond node"], rows),
        "",
        `${isGood ? "✔" : "✖"} the slowest is ${slowest.name}: ${slowest.median.toFixed(0)} ms (goal < ${GOAL_MS})`,
        "",
      ].join("\n"),
    );
  }
  process.exitCode = isGood ? 0 : 1;
}
