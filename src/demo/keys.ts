import type { ReadStream } from "node:tty";
import { DONE, type ExitCode, STOPPED_WATCHING } from "../cli/exit-code.ts";
import { BREAKAGES, breakVersion } from "./breakages.ts";
import type { Plot } from "./plot.ts";
import type { Breakage } from "./show/scene.ts";

const CTRL_C = "\u0003";
const CTRL_D = "\u0004";

/** Lets keys break the demo while it runs; `quit` ends it with an exit code. */
export function listenToKeys(input: ReadStream, plot: Plot, quit: (code: ExitCode) => void): Disposable {
  const read = (data: Buffer): void => {
    // A raw terminal hands Ctrl-C over as a key.
    for (const key of data.toString("utf8")) {
      if (key === CTRL_C || key === CTRL_D) quit(STOPPED_WATCHING);
      else if (key === "q") quit(DONE);
      else press(key, plot);
    }
  };
  input.setRawMode(true);
  input.on("data", read);
  input.resume();
  return {
    [Symbol.dispose]() {
      input.off("data", read);
      input.setRawMode(false);
      input.pause();
    },
  };
}

const BREAKING: Readonly<Record<string, Breakage>> = { e: "errors", s: "slowness", c: "crash" };

function press(key: string, plot: Plot): void {
  const breakage = BREAKING[key];
  if (key === "k") killController(plot);
  else if (breakage !== undefined) breakCandidate(breakage, plot);
}

function killController({ board, release }: Plot): void {
  // Killed already, and the next one has not started yet.
  if (board.scene.isUnattended) return;
  if (release?.killController() !== true) return tellNothingReleased(board);
  board.change((scene) => ({ ...scene, isUnattended: true }));
  board.tell({ tone: "warn", sentence: "kill -9: nobody acts on the release now." });
}

function breakCandidate(breakage: Breakage, { board, stage }: Plot): void {
  const { candidate, broken, crashesSince } = board.scene;
  if (candidate === null) return tellNothingReleased(board);
  if (broken.includes(breakage)) return;
  const all = [...broken, breakage];
  breakVersion(stage, candidate, all);
  const since = breakage === "crash" ? Date.now() : crashesSince;
  board.change((scene) => ({ ...scene, broken: all, crashesSince: since }));
  board.tell({ tone: "warn", sentence: `${candidate} ${BREAKAGES[breakage]}.` });
}

function tellNothingReleased(board: Plot["board"]): void {
  board.tell({ tone: "plain", sentence: "Nothing is being released just now: wait for the next version." });
}
