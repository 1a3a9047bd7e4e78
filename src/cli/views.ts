import type { Release } from "../core/release/release.ts";
import { currentStep } from "../core/release/release.ts";
import type { Status } from "../core/status/status.ts";
import type { Context } from "./context.ts";
import { exitCodeOf } from "./exit-code.ts";
import { type FollowView, isOver } from "./follow.ts";
import { eventJson } from "./render/event-json.ts";
import { eventLine } from "./render/event-line.ts";
import { versions } from "./render/header.ts";
import { progressLine } from "./render/progress-line.ts";
import { type Around, releaseView } from "./render/release-view.ts";
import { openScreen } from "./render/screen.ts";
import { paint } from "./render/style.ts";
import { timeOfDay } from "./render/time-of-day.ts";

export interface ViewOptions {
  /** What Ctrl-C does: `Ctrl-C detaches`; null: nothing. */
  readonly hint: string | null;
  /** A rollback that was asked for is no failure of the command, so its exit code is no news. */
  readonly isAskedFor: boolean;
  /** It is `tidegate status` that shows it: nobody need be led there. */
  readonly isStatus?: boolean;
  /** Sentences that go with a status; `isLast`: with the picture that stays. */
  readonly notes: (status: Status, release: Release, isLast: boolean) => readonly string[];
}

/** How a release is followed here: a picture redrawn in place, lines in a log, or documents. */
export function openView(context: Context, options: ViewOptions): FollowView {
  if (context.json) return jsonView(context);
  return context.terminal.isLive ? liveView(context, options) : lineView(context, options);
}

function liveView({ terminal }: Context, options: ViewOptions): FollowView {
  const screen = openScreen(terminal.output);
  const restoreNotes = terminal.redirect((line) => screen.print(line));
  const view = (status: Status, release: Release, shown: ViewOptions, more: Partial<Around> = {}): readonly string[] =>
    releaseView(status, terminal.style(), { ...aroundOf(status, release, shown), ...more });
  return {
    event: () => undefined,
    picture: (status, release) =>
      screen.draw(view(status, release, options, { height: Math.max(1, terminal.output.rows - 1) })),
    // Nothing can be stopped any more.
    end: (status, release) =>
      screen.last(view(status, release, { ...options, hint: null }, { notes: options.notes(status, release, true) })),
    [Symbol.dispose]: () => {
      restoreNotes();
      screen[Symbol.dispose]();
    },
  };
}

/** Only what changes, with the time; the picture comes once, at the end. */
function lineView({ terminal }: Context, options: ViewOptions): FollowView {
  let lastNotes = "";
  let isSilent = true;
  let looks = 0;
  const progress = progressLine();
  const line = (atMs: number, text: string): void => {
    isSilent = false;
    const style = terminal.style();
    const [first = "", ...rest] = text.split("\n");
    terminal.print(`${paint(style, "dim", timeOfDay(atMs))}  ${first}`);
    for (const more of rest) terminal.print(`            ${paint(style, "dim", more)}`);
  };
  return {
    event: ({ event, at }, release, before) => {
      const text = eventLine(event, release, before, terminal.style());
      if (text === null) return;
      line(at.wall, text);
      progress.news(Date.now());
    },
    picture: (status, release) => {
      // Who comes in the middle is told where it stands; not yet at the first look, when an engine may just be noting
      // what was done without it.
      looks += 1;
      if (isSilent && looks > 1) {
        line(Date.now(), `release ${status.release}: ${versions(status, terminal.style())}: ${status.sentence}`);
        progress.news(Date.now(), status.sentence);
      }
      const still = isOver(status) ? null : progress.due(status.sentence, Date.now());
      if (still !== null) line(Date.now(), still);
      const notes = isOver(status) ? [] : options.notes(status, release, false);
      const joined = notes.join("\n");
      if (joined !== lastNotes) for (const note of notes) line(Date.now(), note);
      lastNotes = joined;
    },
    end: (status, release, because) => {
      if (because === "stopped") return;
      terminal.print("");
      const around = aroundOf(status, release, { ...options, hint: null }, true);
      terminal.print(releaseView(status, terminal.style(), around).join("\n"));
    },
    [Symbol.dispose]: () => undefined,
  };
}

/** An event a line; the last line is the status. */
function jsonView({ terminal }: Context): FollowView {
  return {
    event: (stored, release) => {
      const document = eventJson(stored, release);
      if (document !== null) terminal.print(JSON.stringify(document));
    },
    picture: () => undefined,
    end: (status) => terminal.print(JSON.stringify({ type: "status", status })),
    [Symbol.dispose]: () => undefined,
  };
}

export function aroundOf(
  status: Status,
  release: Release,
  { hint, notes, isAskedFor, isStatus = false }: ViewOptions,
  isLast = false,
): Around {
  return {
    ...(isStatus ? { isStatus } : {}),
    ...(isOver(status) || hint === null ? {} : { hint }),
    notes: notes(status, release, isLast),
    openItems: openItems(release),
    ...(isAskedFor ? {} : { exitCode: exitCodeOf(status) }),
  };
}

/** Ids of the items of the checklist that is due which only a person can tick. */
export function openItems(release: Release): readonly string[] {
  const current = currentStep(release);
  if (current === null || current.step.kind !== "check") return [];
  const { checklist } = current.step;
  return checklist.items
    .filter(({ id, check, ticked }) => check === undefined && !ticked && current.progress.ticks[id] === undefined)
    .map(({ id }) => id);
}
