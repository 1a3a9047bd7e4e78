import { resolve } from "node:path";
import { FaultError } from "../../core/fault.ts";
import { parseNumber } from "../../core/text/units.ts";
import { SECOND } from "../../core/time/time.ts";
import type { ForecastResult } from "../../core/forecast/forecast.ts";
import { answer, type Context } from "../context.ts";
import { type CommandDefinition, type Invocation, isGiven } from "../definition.ts";
import type { ExitCode } from "../exit-code.ts";
import { faultView, healthyView, sizesView } from "../render/forecast-view.ts";
import { progressBar } from "../render/progress-bar.ts";
import { replayView } from "../render/replay-view.ts";
import { openScreen } from "../render/screen.ts";
import { onInterrupt } from "../signals.ts";
import { catchDocument } from "../simulate/catch-document.ts";
import { LIVE, liveRecording } from "../simulate/live-recording.ts";
import { judgeRecording, replayRecording } from "../simulate/replay-recording.ts";
import { camelCase, givenText, valueOf, within } from "../simulate/reading.ts";
import { asGiven, type Case, healthyCase, type PlayedCase, playCases, severalSizes } from "../simulate/simulation.ts";
import { STEP_OPTIONS, TRAFFIC_OPTIONS } from "../simulate/option-list.ts";
import { usualRuns } from "../simulate/usual-runs.ts";
import { type SimulatedStep, stepOf } from "../simulate/step.ts";
import { areVisitorsAsked } from "../simulate/visitors.ts";

export const simulate: CommandDefinition = {
  about:
    "Says what a step would catch, how fast, and how often it would put a healthy version back, before anything is released: by a formula at once, then by playing the step a thousand times with made-up traffic and the engine's own comparison. Without a fault of the candidate it says which faults the step catches. Touches nothing.",
  arguments: [],
  options: [...STEP_OPTIONS, ...TRAFFIC_OPTIONS],
  examples: [
    { line: "tidegate simulate --rps 50 --weight 5% --for 5m", does: "which faults such a step catches" },
    {
      line: "tidegate simulate --rps 100 --for 20m --stable-p95 500ms --candidate-slower 1.3 --own-speed 1",
      does: "one fault, among visitors who differ a lot in speed",
    },
    { line: "tidegate simulate --replay access.csv --candidate v2", does: "what was recorded" },
  ],
  run: async (invocation) => {
    const file = givenText(invocation, "replay");
    refuseMixed(invocation, file !== undefined);
    if (file !== undefined) return await replay(invocation, file);
    return await (isGiven(invocation, "aA") ? healthyOnly(invocation) : faults(invocation));
  },
};

/** Options that judge: the others make up traffic, which is recorded here. */
const OF_REPLAY = [
  "--replay",
  "--candidate",
  "--stable",
  "--weights",
  "--tolerance",
  "--latency-tolerance",
  "--tempering",
];

function refuseMixed({ options }: Invocation, isReplay: boolean): void {
  const given = [...STEP_OPTIONS, ...TRAFFIC_OPTIONS]
    .map(({ flags }) => flags.split(" ")[0] ?? "")
    .filter((flag) => options[camelCase(flag.slice(2))] !== undefined);
  const wrong = isReplay
    ? given.find((flag) => !OF_REPLAY.includes(flag))
    : given.find((flag) => flag === "--candidate" || flag === "--stable");
  if (wrong === undefined) return;
  throw new FaultError({
    code: "usage",
    what: isReplay
      ? `${wrong} makes traffic up, and --replay judges traffic that was recorded.`
      : `${wrong} names a version of recorded traffic, and there is no --replay.`,
    fix: "leave one of them out",
  });
}

async function replay(invocation: Invocation, file: string): Promise<ExitCode> {
  const { context } = invocation;
  const found =
    file === LIVE
      ? judgeRecording(invocation, await liveRecording(context), file)
      : replayRecording(invocation, resolve(context.cwd, file));
  const { replayed, candidate, stable, acts, catches, notes } = found;
  const document = {
    decided:
      replayed.decided === null
        ? null
        : {
            guard: replayed.decided.guard,
            afterMs: replayed.watchedSeconds * SECOND,
            atMs: replayed.to * SECOND,
            windowMs: (replayed.decided.seconds ?? replayed.watchedSeconds) * SECOND,
            ...replayed.decided.counted,
          },
    evidence: finite(replayed.logTotal),
    actsAt: acts,
    candidate,
    stable,
    fromMs: replayed.from * SECOND,
    toMs: replayed.to * SECOND,
    watchedMs: replayed.watchedSeconds * SECOND,
    gaps: replayed.gaps.map(({ from, seconds }) => ({ fromMs: from * SECOND, ms: seconds * SECOND })),
    guards: replayed.guards.map(({ guard, counted, limit, logEvidence }) => ({
      guard,
      limitMs: limit?.stableMs ?? null,
      candidateLimitMs: limit?.candidateMs ?? null,
      ...counted,
      evidence: finite(logEvidence),
    })),
    couldCatchInMs: replayed.whole.seconds * SECOND,
    couldCatch: catches.map(catchDocument),
    notes,
  };
  return answer(context, document, replayView(found, context.terminal.style()));
}

/** e^log, as large as a document can hold. */
function finite(log: number): number {
  return Math.min(Number.MAX_VALUE, Math.exp(log));
}

async function healthyOnly(invocation: Invocation): Promise<ExitCode> {
  const { context } = invocation;
  const step = stepOf(invocation, true);
  const [played] = await play(invocation, [healthyCase(step.forecast)]);
  if (played === undefined) throw new Error("Nothing was played.");
  const { caught, runs } = played.result;
  const document = { falseRollback: caught, runs, ...visitorsIn(invocation, step) };
  return answer(context, document, healthyView(step, played, context.terminal.style()));
}

async function faults(invocation: Invocation): Promise<ExitCode> {
  const step = stepOf(invocation, false);
  return step.hasFault ? await oneFault(invocation, step) : await sizes(invocation, step);
}

async function oneFault(invocation: Invocation, step: SimulatedStep): Promise<ExitCode> {
  const { context } = invocation;
  const [faulty, healthyOne] = await play(invocation, asGiven(step.forecast));
  if (faulty === undefined || healthyOne === undefined) throw new Error("Nothing was played.");
  const document = {
    ...figures(faulty.result),
    falseRollback: healthyOne.result.caught,
    ...visitorsIn(invocation, step),
  };
  return answer(context, document, faultView(step, faulty, healthyOne, context.terminal.style()));
}

async function sizes(invocation: Invocation, step: SimulatedStep): Promise<ExitCode> {
  const { context } = invocation;
  const played = await play(invocation, severalSizes(step.forecast));
  const healthyOne = played.at(-1);
  if (healthyOne === undefined) throw new Error("Nothing was played.");
  const document = {
    faults: played.flatMap(({ fault, result }) =>
      typeof fault === "string"
        ? []
        : [
            {
              ...("errors" in fault ? { candidateErrors: fault.errors } : { candidateSlower: fault.slower }),
              ...figures(result),
            },
          ],
    ),
    falseRollback: healthyOne.result.caught,
    runs: healthyOne.result.runs,
    ...visitorsIn(invocation, step),
  };
  return answer(context, document, sizesView(step, played, context.terminal.style()));
}

/** Who was played, where somebody asked for visitors of some kind. */
function visitorsIn(invocation: Invocation, { forecast }: SimulatedStep): { readonly visitors?: object } {
  const { visitors } = forecast.traffic;
  if (visitors === null || !areVisitorsAsked(invocation)) return {};
  const { count, activity, bots, failing, slow, speed, knownSeconds, countOnceSeconds } = visitors;
  return {
    visitors: {
      count,
      activity,
      bots,
      alwaysFailing: failing,
      alwaysSlow: slow,
      ownSpeed: speed,
      knownForMs: (knownSeconds ?? 0) * SECOND,
      countOnceMs: countOnceSeconds * SECOND,
    },
  };
}

function figures({ caught, delaySeconds }: ForecastResult): {
  readonly caught: number;
  readonly delayMs: { readonly median: number; readonly p95: number } | null;
} {
  return {
    caught,
    delayMs: delaySeconds === null ? null : { median: delaySeconds.median * SECOND, p95: delaySeconds.p95 * SECOND },
  };
}

const RUNS = within(parseNumber, { least: 1, most: 1e6, isWhole: true, words: "a whole number from 1 to 1000000" });
const SEED = within(parseNumber, {
  least: 0,
  most: 2 ** 32 - 1,
  isWhole: true,
  words: "a whole number from 0 to 4294967295",
});

async function play(invocation: Invocation, cases: readonly Case[]): Promise<readonly PlayedCase[]> {
  const [first] = cases;
  if (first === undefined) return [];
  const runs = valueOf(invocation, "runs", RUNS, usualRuns(first.forecast, cases.length));
  const seed = valueOf(invocation, "seed", SEED, 1);
  using interruption = onInterrupt();
  using progress = openProgress(invocation.context, cases, runs);
  return await playCases(cases, { runs, seed, signal: interruption.signal, onProgress: progress.show });
}

interface Progress extends Disposable {
  readonly show: (done: number) => void;
}

/** What the formula says, and a bar; on a terminal only, and gone when it is done. */
function openProgress({ terminal }: Context, cases: readonly Case[], runs: number): Progress {
  if (!terminal.isLive) return { show: () => undefined, [Symbol.dispose]: () => undefined };
  const screen = openScreen(terminal.output);
  const show = (done: number): void => screen.draw(progressBar(cases, runs, done, terminal.style()));
  show(0);
  return {
    show,
    [Symbol.dispose]: () => {
      screen.last([]);
      screen[Symbol.dispose]();
    },
  };
}
