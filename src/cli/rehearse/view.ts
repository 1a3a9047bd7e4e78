import type { PartName, Rehearsal, RehearsedPart, RehearsedStep } from "../../core/rehearsal/rehearsal.ts";
import type { Context } from "../context.ts";
import { partTitle, rehearsalLines, stepLine } from "../render/rehearsal-view.ts";
import { openScreen } from "../render/screen.ts";

/** Where a rehearsal is shown while it runs. Disposing of it puts the terminal back as it was. */
export interface RehearsalView extends Disposable {
  begin(header: string): void;
  part(name: PartName): void;
  /** What goes on now, in a few words. */
  now(doing: string): void;
  step(part: PartName, step: RehearsedStep): void;
  partOver(part: RehearsedPart): void;
  note(sentence: string): void;
  end(rehearsal: Rehearsal, path: string | null): void;
}

export function openRehearsalView({ json, terminal }: Context): RehearsalView {
  if (json) return documents((document) => terminal.print(JSON.stringify(document)));
  const screen = terminal.isLive ? openScreen(terminal.output) : null;
  const unredirect = screen === null ? null : terminal.redirect((text) => screen.print(text));
  let doing = "";
  let since = 0;
  const draw = (): void => {
    const step = { name: doing, state: "running", tookMs: performance.now() - since } as const;
    screen?.draw(doing === "" ? [] : [stepLine(step, terminal.style())]);
  };
  const timer = screen === null ? undefined : setInterval(draw, REDRAW_MS);
  const print = (line: string): void => (screen === null ? terminal.print(line) : screen.print(line));
  return {
    begin: print,
    part: (name) => print(`\n${partTitle(name, terminal.style())}`),
    now: (words) => {
      if (words !== doing) since = performance.now();
      doing = words;
      draw();
    },
    step: (_, step) => print(stepLine(step, terminal.style())),
    partOver: () => undefined,
    note: (sentence) => terminal.complain(sentence),
    end: (rehearsal, path) => {
      screen?.last([]);
      for (const line of rehearsalLines(rehearsal, path, terminal.style())) terminal.print(line);
    },
    [Symbol.dispose]: () => {
      clearInterval(timer);
      screen?.draw([]);
      unredirect?.();
      screen?.[Symbol.dispose]();
    },
  };
}

const REDRAW_MS = 250;

/** One a line. */
function documents(print: (document: object) => void): RehearsalView {
  return {
    begin: () => undefined,
    part: (part) => print({ type: "part-began", part }),
    now: () => undefined,
    step: (part, step) => print({ type: "step", part, step }),
    partOver: (part) => print({ type: "part-over", part: part.name, tookMs: part.tookMs, requests: part.requests }),
    note: (sentence) => print({ type: "note", sentence }),
    end: (rehearsal, path) => print({ type: "rehearsal", rehearsal, path }),
    [Symbol.dispose]: () => undefined,
  };
}
