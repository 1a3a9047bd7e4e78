/**
 * Processor time per request of the embedded proxy and its peers, in one interleaved run: node bench/proxy.ts
 * [--json] [--quick]. What holds on a noisy machine is the ratio to HAProxy in the same round.
 */
import { spawnSync } from "node:child_process";
import { readProcess, ticksPerSecond } from "../src/local/process-table.ts";
import { startBackend, startHaproxyContestant } from "./measure/haproxy.ts";
import { benchOptions, machine, machineLine, progress, table } from "./measure/output.ts";
import { startListening } from "./measure/started-program.ts";
import { median, type Spread, spreadOf } from "./measure/statistics.ts";
import { backendOf, startTidegateProxy } from "./measure/tidegate-proxy.ts";
import { type Workload, workloads } from "./measure/workload.ts";
import { load } from "./measure/wrk.ts";
import { scratchFolder } from "./measure/scratch-folder.ts";

interface Contestant {
  readonly name: string;
  readonly pid: number;
  readonly port: number;
}

interface Measurement {
  readonly contestant: string;
  readonly workload: string;
  readonly cpuMicroseconds: number;
  readonly perSecond: number;
  readonly failed: number;
}

interface Figures {
  readonly contestant: string;
  readonly workload: string;
  /** HAProxy's processor time per request, divided by this one's, in the same round. */
  readonly speed: Spread;
  readonly cpuMicroseconds: number;
  readonly perSecond: number;
  readonly failed: number;
}

const REFERENCE = "HAProxy";
const EMBEDDED = "Tidegate";
const CANARY = "Tidegate, 5 % canary";
const GOAL = 0.25;
const TO_BEAT = ["httpxy", "http-proxy-3", "@fastify/reply-from", "fast-proxy"];
const PROGRAMS: readonly (readonly [name: string, file: string])[] = [
  ["httpxy", "httpxy.ts"],
  ["http-proxy-3", "http-proxy-3.ts"],
  ["@fastify/reply-from", "reply-from.ts"],
  ["fast-proxy", "fast-proxy.ts"],
  ["undici dispatch", "undici-dispatch.ts"],
];

const { json, quick } = benchOptions();
const ROUNDS = quick ? 2 : 5;
const INTERVAL_MS = quick ? 400 : 1_000;
const WARM_UP_MS = quick ? 250 : 700;

await run();

async function run(): Promise<void> {
  for (const [program, how] of [
    ["haproxy", "-v"],
    ["wrk", "-v"],
  ] as const) {
    if (spawnSync(program, [how]).error === undefined) continue;
    process.stderr.write(
      `${program} is not installed, and without it nothing is measured: apt-get install ${program}\n`,
    );
    process.exit(2);
  }
  await using folder = scratchFolder();
  await using programs = new AsyncDisposableStack();
  const contestants = await start(programs, folder.path);
  const kinds = workloads(folder.path);
  for (const workload of kinds) for (const contestant of contestants) await load(contestant.port, workload, WARM_UP_MS);

  const measured: Measurement[][] = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    progress(`round ${round + 1} of ${ROUNDS}`);
    const inRound: Measurement[] = [];
    for (const workload of kinds)
      for (const contestant of contestants) inRound.push(await measure(contestant, workload));
    measured.push(inRound);
  }
  progress("");
  tell(summarize(measured, contestants, kinds));
}

async function start(programs: AsyncDisposableStack, folder: string): Promise<readonly Contestant[]> {
  const backend = programs.use(await startBackend(folder));
  const haproxy = programs.use(await startHaproxyContestant(folder, backend.port));
  const plain = programs.use(await startTidegateProxy(`${folder}/plain`));
  await plain.change({ stable: backendOf("v1", backend.port) });
  const canary = programs.use(await startTidegateProxy(`${folder}/canary`));
  await canary.change({
    stable: backendOf("v1", backend.port),
    candidate: { ...backendOf("v2", backend.port), slot: "green" },
    share: 500,
  });
  const contestants: Contestant[] = [
    { name: REFERENCE, pid: haproxy.pid, port: haproxy.port },
    { name: EMBEDDED, pid: plain.pid, port: plain.port },
    { name: CANARY, pid: canary.pid, port: canary.port },
  ];
  for (const [name, file] of PROGRAMS) {
    try {
      const program = new URL(`./contestants/${file}`, import.meta.url);
      const { pid, port } = programs.use(await startListening(program, [String(backend.port)]));
      contestants.push({ name, pid, port });
    } catch {
      process.stderr.write(`${name} does not start, and is left out. It comes with: npm ci\n`);
    }
  }
  return contestants;
}

async function measure(contestant: Contestant, workload: Workload): Promise<Measurement> {
  const before = cpuSeconds(contestant.pid);
  const { requests, seconds, failed } = await load(contestant.port, workload, INTERVAL_MS);
  const cpu = cpuSeconds(contestant.pid) - before;
  return {
    contestant: contestant.name,
    workload: workload.name,
    cpuMicroseconds: (cpu * 1e6) / requests,
    perSecond: requests / seconds,
    failed,
  };
}

function cpuSeconds(pid: number): number {
  return (readProcess(pid)?.cpuTicks ?? Number.NaN) / ticksPerSecond();
}

function summarize(
  rounds: readonly (readonly Measurement[])[],
  contestants: readonly Contestant[],
  kinds: readonly Workload[],
): readonly Figures[] {
  return kinds.flatMap(({ name: workload }) =>
    contestants.map(({ name }) => {
      const of = (round: readonly Measurement[], contestant: string): Measurement | undefined =>
        round.find((each) => each.workload === workload && each.contestant === contestant);
      const mine = rounds.flatMap((round) => of(round, name) ?? []);
      const speeds = rounds.map(
        (round) =>
          (of(round, REFERENCE)?.cpuMicroseconds ?? Number.NaN) / (of(round, name)?.cpuMicroseconds ?? Number.NaN),
      );
      return {
        contestant: name,
        workload,
        speed: spreadOf(speeds),
        cpuMicroseconds: median(mine.map(({ cpuMicroseconds }) => cpuMicroseconds)),
        perSecond: median(mine.map(({ perSecond }) => perSecond)),
        failed: mine.reduce((sum, { failed }) => sum + failed, 0),
      };
    }),
  );
}

function tell(figures: readonly Figures[]): void {
  const workloads = [...new Set(figures.map(({ workload }) => workload))];
  const verdicts = workloads.map((workload) => verdictOn(workload, figures));
  if (json) {
    process.stdout.write(
      `${JSON.stringify({ type: "bench-proxy", machine: machine(), figures, verdicts }, null, 2)}\n`,
    );
    return;
  }
  const lines = [
    `Speed by processor time per request, HAProxy with one thread = 1; median of ${ROUNDS} rounds (least – most)`,
    machineLine(machine()),
  ];
  for (const workload of workloads) {
    const rows = figures
      .filter((each) => each.workload === workload)
      .map((each) => [
        each.contestant,
        each.speed.median.toFixed(2),
        `${each.speed.least.toFixed(2)} – ${each.speed.most.toFixed(2)}`,
        `${each.cpuMicroseconds.toFixed(1)} µs`,
        Math.round(each.perSecond).toLocaleString("en"),
        String(each.failed),
      ]);
    lines.push("", table([workload, "speed", "spread", "CPU/request", "requests/s", "failed"], rows));
  }
  lines.push("", ...verdicts.map(({ sentence }) => sentence));
  process.stdout.write(`${lines.join("\n")}\n`);
}

function verdictOn(workload: string, figures: readonly Figures[]) {
  const speedOf = (name: string): number =>
    figures.find((each) => each.workload === workload && each.contestant === name)?.speed.median ?? Number.NaN;
  const speed = speedOf(EMBEDDED);
  const notBeaten = TO_BEAT.filter((name) => speedOf(name) >= speed);
  const isReached = speed >= GOAL && notBeaten.length === 0;
  const against = notBeaten.length === 0 ? "ahead of all four peers" : `behind ${notBeaten.join(", ")}`;
  return {
    workload,
    speed,
    isReached,
    sentence: `${isReached ? "✔" : "✖"} ${workload}: ${speed.toFixed(2)} of HAProxy (goal ${GOAL}), ${against}`,
  };
}
