/**
 * What a journal weighs and how long it takes to read it back: node bench/journal.ts [--json] [--quick]. One release of four
 * weeks with all of its guards, on a virtual clock with the real engine; and a folder of ten thousand releases that have
 * ended, which the start of an engine must not feel.
 */
import { statSync } from "node:fs";
import { openSqliteJournal } from "../src/adapters/journal/sqlite.ts";
import { replay } from "../src/core/release/evolve.ts";
import type { Plan } from "../src/core/plan/plan.ts";
import { DAY, HOUR, MINUTE } from "../src/core/time/time.ts";
import { stateFolder, type StateFolder } from "../src/local/state-folder.ts";
import type { Journal } from "../src/ports/journal.ts";
import { engineUnderTest } from "../test/support/engine-under-test.ts";
import { GUARDS, planOf, step, USUAL } from "../test/support/plans.ts";
import { benchOptions, machine, machineLine, progress, table } from "./measure/output.ts";
import { median } from "./measure/statistics.ts";
import { scratchFolder } from "./measure/scratch-folder.ts";

const GOAL_MB = 5;
const GOAL_MS = 1_000;
const ROUNDS = 7;

const { json, quick } = benchOptions();
const ENDED = quick ? 500 : 10_000;

const FOUR_WEEKS: Plan = planOf(
  [
    step.start(),
    step.shift(5, 7 * DAY),
    step.shift(25, 7 * DAY),
    // With an objective, whose sums of six hours go to the journal too.
    step.shift(100, 13 * DAY, { guards: GUARDS.map((guard) => ({ ...guard, slo: 0.001 })) }),
    step.retire(),
    step.approve("week-4", { afterMs: 0 }),
  ],
  { judge: 2 },
);

await run();

async function run(): Promise<void> {
  await using folder = scratchFolder();
  const long = await fourWeeks(stateFolder(folder.file("long")));
  const many = await manyReleases(folder.file("few"), folder.file("many"));
  tell(long, many);
  process.exit();
}

interface Long {
  readonly events: number;
  readonly megabytes: number;
  readonly replayMs: number;
}

async function fourWeeks(folder: StateFolder): Promise<Long> {
  {
    await using journal = await openSqliteJournal(folder);
    const under = engineUnderTest();
    under.load = { perSecond: 4_000, badShare: {} };
    Object.assign(under.ports, { journal });
    // In the pace of a real engine it would be the same journal: what is written depends on time, not on looks.
    const engine = await under.start({ pace: { busyMs: MINUTE, idleMs: MINUTE } });
    const state = async (release: number): Promise<string> => (await engine.status(release))?.state ?? "";
    await under.release(engine, USUAL, "v1");
    await under.until(async () => (await state(1)) === "closed", HOUR);
    await under.release(engine, FOUR_WEEKS, "v2");
    for (let day = 1; day <= 28; day += 1) {
      progress(`four weeks: day ${day}`);
      await under.pass(DAY, MINUTE);
    }
    if ((await state(2)) !== "live") throw new Error(`The release is ${await state(2)} after four weeks.`);
    await Promise.all([engine[Symbol.asyncDispose](), under.clock.advance(10_000)]);
  }
  // What waits in the write-ahead log is in the file once it was closed.
  const megabytes = statSync(folder.file("journal.db")).size / 1e6;
  await using journal = await openSqliteJournal(folder);
  const times: number[] = [];
  let events = 0;
  for (let round = 0; round < ROUNDS; round += 1) {
    const begun = performance.now();
    const read = await journal.read(2);
    if (replay(read)?.state !== "live") throw new Error("It does not replay to where it stood.");
    times.push(performance.now() - begun);
    events = read.length;
  }
  return { events, megabytes, replayMs: median(times) };
}

interface Many {
  readonly releases: number;
  readonly startMs: number;
  /** The same in a folder with one release. */
  readonly startOfOneMs: number;
}

async function manyReleases(few: string, many: string): Promise<Many> {
  const under = engineUnderTest();
  const engine = await under.start();
  await under.release(engine, USUAL, "v1");
  await under.until(async () => (await engine.status(1))?.state === "closed");
  const events = await under.journal.read(1);
  await Promise.all([engine[Symbol.asyncDispose](), under.clock.advance(10_000)]);
  const fill = async (path: string, count: number): Promise<StateFolder> => {
    const folder = stateFolder(path);
    await using journal: Journal = await openSqliteJournal(folder);
    await using _lock = await journal.takeActorLock();
    for (let id = 1; id <= count; id += 1) {
      if (id % 500 === 0) progress(`${id} releases`);
      await journal.append(
        id,
        0,
        events.map(({ event, at }) => ({ event: event.type === "planned" ? { ...event, release: id } : event, at })),
        1,
      );
      await journal.settle(id, events.length);
    }
    return folder;
  };
  const [one, all] = [await fill(few, 1), await fill(many, ENDED)];
  const starts: { one: number[]; all: number[] } = { one: [], all: [] };
  for (let round = 0; round < ROUNDS; round += 1) {
    starts.one.push(await startMs(one));
    starts.all.push(await startMs(all));
  }
  return { releases: ENDED, startMs: median(starts.all), startOfOneMs: median(starts.one) };
}

/** From opening the journal until the engine acts. */
async function startMs(folder: StateFolder): Promise<number> {
  const under = engineUnderTest();
  const begun = performance.now();
  await using journal = await openSqliteJournal(folder);
  Object.assign(under.ports, { journal });
  const engine = await under.start();
  const took = performance.now() - begun;
  await Promise.all([engine[Symbol.asyncDispose](), under.clock.advance(10_000)]);
  return took;
}

function tell(long: Long, many: Many): void {
  const isGood = long.megabytes < GOAL_MB && long.replayMs < GOAL_MS;
  process.exitCode = isGood ? 0 : 1;
  if (json) {
    process.stdout.write(
      `${JSON.stringify({ type: "bench-journal", machine: machine(), isGood, fourWeeks: long, ended: many }, null, 2)}\n`,
    );
    return;
  }
  progress("");
  const ms = (value: number): string => `${value.toFixed(1)} ms`;
  process.stdout.write(
    [
      "A release of four weeks, and a folder of many that have ended",
      machineLine(machine()),
      "",
      table(
        ["", "", "goal"],
        [
          ["four weeks: events", String(long.events), ""],
          ["four weeks: journal.db", `${long.megabytes.toFixed(2)} MB`, `< ${GOAL_MB} MB`],
          ["four weeks: read and replayed", ms(long.replayMs), `< ${ms(GOAL_MS)}`],
          ["start of an engine, one ended release", ms(many.startOfOneMs), ""],
          [`start of an engine, ${many.releases} of them`, ms(many.startMs), ""],
        ],
      ),
      "",
      `${isGood ? "✔" : "✖"} within the goals`,
      "",
    ].join("\n"),
  );
}
