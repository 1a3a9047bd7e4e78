import { join } from "node:path";
import type { ExitCode } from "../cli/exit-code.ts";
import { DONE, FAILED, STOPPED_WATCHING } from "../cli/exit-code.ts";
import type { DemoOrder } from "../cli/machinery.ts";
import { stateFolder } from "../local/state-folder.ts";
import { type Board, openBoard } from "./board.ts";
import { BREAKAGES, breakVersion } from "./breakages.ts";
import { readKeys } from "./keys.ts";
import { emptyStage, emptyStageNow } from "./left-behind.ts";
import { statusOfVersion } from "./release-run.ts";
import { problemsOf, resultOf } from "./result.ts";
import type { Breakage } from "./scene.ts";
import { type Stage, setStage } from "./stage.ts";
import { type Plot, playStory, within } from "./story.ts";
import { tidegateOn } from "./tidegate-process.ts";
import { openView } from "./views.ts";

/** The user wants no more of it. */
class Stopped extends Error {
  readonly code: ExitCode;

  constructor(code: ExitCode) {
    super("stopped");
    this.code = code;
  }
}

/**
 * The demo, from an empty folder to the last word, and nothing left behind however it ends. Exit codes: 0 when all is
 * as it should be, 12 when it is not, 130 after Ctrl-C. Faults: demo-not-begun, git-failed, usage.
 */
export async function runDemo(order: DemoOrder): Promise<ExitCode> {
  const startedAt = performance.now();
  const stop = new AbortController();
  using _signals = onSignals(() => stop.abort(new Stopped(STOPPED_WATCHING)));
  const stage = await setStage(order.folder);
  // Whatever ends this process, an end of its own making included, leaves nothing behind.
  const clearNow = (): void => {
    emptyStageNow(stage);
    if (!order.keep) stage.clear();
  };
  process.once("exit", clearNow);
  using view = openView(order);
  const plot = plotOn(stage, order, openBoard(stage.url, view), stop.signal);
  using _keys = order.interactive ? readKeys(order.terminal.input, (key) => press(key, plot, stop)) : nothing();
  const watching = view.wantsStatus ? watchStatus(plot) : Promise.resolve();
  try {
    const story = await playStory(plot);
    const played = { ...story, troubles: [...story.troubles, ...(await strike(plot))] };
    const problems = problemsOf(played);
    const tookMs = performance.now() - startedAt;
    const kept = order.keep ? keptSentence(stage) : null;
    view.end({ played, result: resultOf(played), problems, tookMs, kept });
    return problems.length === 0 ? DONE : FAILED;
  } catch (error) {
    plot.board.change((scene) => ({ ...scene, isStopping: true, status: null }));
    await strikeAtOnce(plot, order);
    if (!(error instanceof Stopped)) throw error;
    view.end("stopped");
    return error.code;
  } finally {
    stop.abort(new Stopped(DONE));
    await watching;
    await emptyStage(stage, 0);
    process.off("exit", clearNow);
    if (!order.keep) stage.clear();
  }
}

function plotOn(stage: Stage, order: DemoOrder, board: Board, signal: AbortSignal): Plot {
  return { stage, tidegate: tidegateOn(stage, order.machinery.self), board, signal, load: null, release: null };
}

/** Ctrl-C, or whoever started this one, or the terminal that is closed. The second time changes nothing: it stops already. */
function onSignals(stop: () => void): Disposable {
  const signals = ["SIGINT", "SIGTERM", "SIGHUP"] as const;
  for (const signal of signals) process.on(signal, stop);
  return {
    [Symbol.dispose]() {
      for (const signal of signals) process.off(signal, stop);
    },
  };
}

function nothing(): Disposable {
  return { [Symbol.dispose]: () => undefined };
}

const BREAKING_KEYS: Readonly<Record<string, Breakage>> = { e: "errors", s: "slowness", c: "crash" };

function press(key: string, plot: Plot, stop: AbortController): void {
  const { board, release, stage } = plot;
  if (key === "quit") return stop.abort(new Stopped(STOPPED_WATCHING));
  if (key === "q") return stop.abort(new Stopped(DONE));
  if (key === "k") {
    const sentence = release?.killController() === true ? "kill -9: nobody acts on the release now." : NOTHING_RELEASED;
    return board.tell({ tone: "warn", sentence });
  }
  const breakage = BREAKING_KEYS[key];
  if (breakage === undefined) return;
  const { candidate, broken } = board.scene;
  if (candidate === null) return board.tell({ tone: "plain", sentence: NOTHING_RELEASED });
  if (broken.includes(breakage)) return;
  const all = [...broken, breakage];
  breakVersion(stage, candidate, all);
  board.change((scene) => ({ ...scene, broken: all }));
  board.tell({ tone: "warn", sentence: `${candidate} ${BREAKAGES[breakage]}.` });
}

const NOTHING_RELEASED = "Nothing is being released just now: wait for the next version.";

const LOOK_MS = 1_500;

/** Asks `tidegate status` now and then, for the picture of the release under way. */
async function watchStatus({ board, signal, tidegate }: Plot): Promise<void> {
  while (!signal.aborted) {
    const asked = board.scene.acts.find(({ state }) => state === "running");
    if (asked !== undefined) {
      const value = await statusOfVersion(tidegate, asked.version);
      const isStill = board.scene.acts.some(({ version, state }) => version === asked.version && state === "running");
      if (value !== null && isStill) board.change((scene) => ({ ...scene, status: { at: Date.now(), value } }));
    }
    await within(LOOK_MS, new Promise((resolve) => signal.addEventListener("abort", resolve, { once: true })));
  }
}

/** How long `down` may take, and what it stopped to be gone. */
const DOWN_MS = 30_000;
const GONE_MS = 3_000;

/** Stops everything as a user would; answers what went wrong with that. */
async function strike({ board, stage, tidegate }: Plot): Promise<readonly string[]> {
  board.change((scene) => ({ ...scene, isStopping: true, status: null }));
  const down = await within(DOWN_MS, tidegate.run(["down", "--yes"]).ended);
  const stubborn = await emptyStage(stage, GONE_MS);
  return [
    ...(down === "late" ? [`"tidegate down" took longer than ${DOWN_MS / 1_000}s.`] : []),
    ...(down !== "late" && down.code !== 0
      ? [`"tidegate down" ended with ${down.code ?? down.signal}: ${JSON.stringify(down.last)}`]
      : []),
    ...(stubborn.length === 0 ? [] : [`After "tidegate down" still ran: ${stubborn.join("; ")}.`]),
  ];
}

const POLITE_MS = 6_000;

/** Stops in the middle: the controller first, so that nothing is begun any more, then the customers, then the rest. */
async function strikeAtOnce({ stage, tidegate, load }: Plot, { machinery }: DemoOrder): Promise<void> {
  await tidegate.killAll();
  if (load !== null)
    await within(
      POLITE_MS,
      load.stop().catch(() => null),
    );
  const state = stateFolder(join(stage.shop, ".tidegate"));
  await within(
    POLITE_MS,
    machinery.stopEverything(state).catch(() => false),
  );
  await emptyStage(stage, 500);
}

function keptSentence({ shop, data }: Stage): string {
  return `cd ${shop} && SHOP_DATA=${data} tidegate release v2`;
}
