/**
 * How long the command line takes to start, from source, as it is published and as one executable file, against bare Node: node
 * bench/cli-start.ts [--json] [--quick]. What is measured is the whole process, from spawn to exit, and its processor
 * time, which other work on the machine hardly changes. Ends with 1 when what is published misses the goal.
 */
import { spawnSync } from "node:child_process";
import { cpSync, symlinkSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { readProcess, ticksPerSecond } from "../src/local/process-table.ts";
import type { TemporaryFolder } from "../test/support/temporary-folder.ts";
import { projectWithRelease } from "./cli/project-with-release.ts";
import { benchOptions, machine, machineLine, progress, table } from "./measure/output.ts";
import { type Spread, spreadOf } from "./measure/statistics.ts";
import { scratchFolder } from "./measure/scratch-folder.ts";

type Place = "source" | "published" | "one file";

interface Start {
  readonly name: string;
  readonly place: Place | null;
  /** By default this Node. */
  readonly program?: string;
  readonly args: readonly string[];
  readonly cwd: string;
}

interface Figures extends Spread, Pick<Start, "name" | "place"> {
  /** Processor time of all its threads, on average. */
  readonly cpuMs: number;
}

const GOAL_MS = 150;
const BARE = "node -e 0";
const ROOT = fileURLToPath(new URL("..", import.meta.url));

const { json, quick } = benchOptions();
const ROUNDS = quick ? 7 : 25;

await run();

async function run(): Promise<void> {
  await using folder = scratchFolder();
  progress("building");
  const published = build(folder);
  const project = await projectWithRelease(folder.file("project"));
  const starts: Start[] = [{ name: BARE, place: null, args: ["-e", "0"], cwd: folder.path }];
  for (const [place, main] of [
    ["source", fileURLToPath(new URL("../src/main.ts", import.meta.url))],
    ["published", published],
  ] as const) {
    for (const command of ["--version", "--help"])
      starts.push({ name: `${command}, ${place}`, place, args: [main, command], cwd: folder.path });
    starts.push({ name: `status, nothing there, ${place}`, place, args: [main, "status"], cwd: folder.path });
    starts.push({ name: `status, one release, ${place}`, place, args: [main, "status"], cwd: project });
  }
  const program = buildOneFile(folder);
  for (const command of ["--version", "--help"])
    starts.push({ name: `${command}, one file`, place: "one file", program, args: [command], cwd: folder.path });
  starts.push({ name: "status, one release, one file", place: "one file", program, args: ["status"], cwd: project });
  // Node's compile cache is filled by the first start, as it is for a user.
  for (const start of starts) timed(start);
  const times = new Map<Start, Timed[]>(starts.map((start) => [start, []]));
  for (let round = 0; round < ROUNDS; round += 1) {
    progress(`round ${round + 1} of ${ROUNDS}`);
    for (const start of starts) times.get(start)?.push(timed(start));
  }
  progress("");
  tell([...times].map(([{ name, place }, all]) => figuresOf(name, place, all)));
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

function buildOneFile(folder: TemporaryFolder): string {
  const file = folder.file("tidegate");
  const built = spawnSync(process.execPath, ["scripts/single.ts", file], { cwd: ROOT, encoding: "utf8" });
  if (built.status !== 0) throw new Error(`The executable file can't be built:\n${built.stdout}${built.stderr}`);
  return file;
}

interface Timed {
  readonly ms: number;
  readonly cpuMs: number;
}

function timed({ name, program = process.execPath, args, cwd }: Start): Timed {
  const cpuBefore = childrenCpuMs();
  const begun = performance.now();
  const ended = spawnSync(program, args, { cwd, encoding: "utf8", env: { ...process.env, NO_COLOR: "1" } });
  const ms = performance.now() - begun;
  if (ended.status !== 0) throw new Error(`"${name}" ended with ${ended.status}:\n${ended.stderr}`);
  return { ms, cpuMs: childrenCpuMs() - cpuBefore };
}

/** Of the children that have ended; in steps of 10 ms, so that only the mean of many says something. */
function childrenCpuMs(): number {
  const own = process.cpuUsage();
  const ticks = readProcess(process.pid)?.cpuTicks ?? Number.NaN;
  return (1_000 * ticks) / ticksPerSecond() - (own.user + own.system) / 1_000;
}

function figuresOf(name: string, place: Start["place"], times: readonly Timed[]): Figures {
  const cpuMs = times.reduce((sum, each) => sum + each.cpuMs, 0) / times.length;
  return { name, place, ...spreadOf(times.map(({ ms }) => ms)), cpuMs };
}

function tell(figures: readonly Figures[]): void {
  const verdicts = (["published", "one file", "source"] as const).map((place) => verdictOn(place, figures));
  if (json) {
    const document = { type: "bench-cli-start", machine: machine(), goalMs: GOAL_MS, verdicts, figures };
    process.stdout.write(`${JSON.stringify(document, null, 2)}\n`);
  } else {
    const rows = figures.map(({ name, median, least, most, cpuMs }) => [
      name,
      `${median.toFixed(0)} ms`,
      `${least.toFixed(0)} – ${most.toFixed(0)}`,
      `${cpuMs.toFixed(0)} ms`,
    ]);
    process.stdout.write(
      [
        `Start of the command line, from spawn to exit; median of ${ROUNDS} rounds`,
        machineLine(machine()),
        "",
        table(["", "median", "spread", "CPU, mean"], rows),
        "",
        ...verdicts.map(({ sentence }) => sentence),
        "",
      ].join("\n"),
    );
  }
  process.exitCode = verdicts[0]?.isGood === true ? 0 : 1;
}

function verdictOn(place: Place, figures: readonly Figures[]) {
  const slowest = figures.filter((each) => each.place === place).reduce((a, b) => (a.median > b.median ? a : b));
  const isGood = slowest.median < GOAL_MS;
  const text = `the slowest is "${slowest.name}", ${slowest.median.toFixed(0)} ms (goal < ${GOAL_MS})`;
  return { place, isGood, sentence: `${isGood ? "✔" : "✖"} ${text}` };
}
