import { DONE, type ExitCode, FAILED, STOPPED_WATCHING } from "../cli/exit-code.ts";
import type { DemoOrder } from "../cli/machinery.ts";
import { openBoard } from "./show/board.ts";
import { listenToKeys } from "./keys.ts";
import { emptyStage, emptyStageNow } from "./left-behind.ts";
import type { Plot } from "./plot.ts";
import { problemsOf } from "./problems.ts";
import { resultOf } from "./result.ts";
import { type Stage, setStage } from "./stage.ts";
import { playStory } from "./story.ts";
import { strike, strikeAtOnce } from "./strike.ts";
import { tidegateOn } from "./tidegate-process.ts";
import { type DemoView, openView } from "./show/views.ts";
import { watchStatus } from "./watch-status.ts";

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
 * as it should be, 12 when it is not, 130 after Ctrl-C. Faults: demo-not-begun, load-ended, git-failed, usage.
 */
export async function runDemo(order: DemoOrder): Promise<ExitCode> {
  const stop = new AbortController();
  using _signals = onSignals(() => stop.abort(new Stopped(STOPPED_WATCHING)));
  using view = openView(order);
  try {
    return await play(order, view, stop);
  } catch (error) {
    // What a Ctrl-C interrupts may fail in a way of its own.
    const reason = stop.signal.aborted ? (stop.signal.reason as unknown) : error;
    if (!(reason instanceof Stopped)) throw error;
    view.end("stopped");
    return reason.code;
  }
}

async function play(order: DemoOrder, view: DemoView, stop: AbortController): Promise<ExitCode> {
  const startedAt = performance.now();
  const stage = await setStage(order.folder);
  // Whatever ends this process, a mistake of its own included, leaves nothing behind.
  const clearNow = (): void => {
    emptyStageNow(stage);
    if (!order.keep) stage.clear();
  };
  process.once("exit", clearNow);
  const plot: Plot = {
    stage,
    tidegate: tidegateOn(stage, order.machinery.self),
    board: openBoard(stage.url, view),
    signal: stop.signal,
    giveUp: (reason) => stop.abort(reason),
    load: null,
    release: null,
  };
  const quit = (code: ExitCode): void => stop.abort(new Stopped(code));
  using _keys = order.interactive ? listenToKeys(order.terminal.input, plot, quit) : null;
  const watching = view.wantsStatus ? watchStatus(plot) : null;
  try {
    const story = await playStory(plot);
    const played = { ...story, troubles: [...story.troubles, ...(await strike(plot))] };
    const problems = problemsOf(played);
    const tookMs = performance.now() - startedAt;
    const kept = order.keep ? keptSentence(stage) : null;
    view.end({ played, result: resultOf(played), problems, tookMs, kept });
    return problems.length === 0 ? DONE : FAILED;
  } catch (error) {
    stop.abort(error);
    await strikeAtOnce(plot, order.machinery);
    throw error;
  } finally {
    stop.abort();
    await watching;
    await emptyStage(stage, 0);
    process.off("exit", clearNow);
    if (!order.keep) stage.clear();
  }
}

/** Ctrl-C, or whoever started this one, or the terminal that is closed. A second one changes nothing: it stops already. */
function onSignals(stop: () => void): Disposable {
  const signals = ["SIGINT", "SIGTERM", "SIGHUP"] as const;
  for (const signal of signals) process.on(signal, stop);
  return {
    [Symbol.dispose]() {
      for (const signal of signals) process.off(signal, stop);
    },
  };
}

function keptSentence({ shop, data }: Stage): string {
  return `cd ${shop} && SHOP_DATA=${data} tidegate release v2`;
}
