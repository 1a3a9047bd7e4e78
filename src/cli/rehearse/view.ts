import type { PartName, Rehearsal, RehearsedPart, RehearsedStep } from "../../core/rehearsal/rehearsal.ts";
import type { Context } from "../context.ts";
import { liveLine, partTitle, rehearsalLines, stepLine } from "../render/rehearsal-view.ts";
import { openScreen } from "../render/screen.ts";

/** Where a rehearsal is shown while it runs. Disposing of it puts the terminal back as it was. */
export interface RehearsalView extends Disposable {
  begin(header: string): void;
  part(name: PartName): void;
  /** Which step goes on now, and what in it, in a few words. Empty: nothing does. */
  now(step: string, said?: string): void;
  step(part: PartName, step: RehearsedStep): void;
  partOver(part: RehearsedPart): void;
  note(sentence: string): void;
  end(rehearsal: Rehearsal, path: string | null): void;
}

export function openRehearsalView({ json, terminal }: Context): RehearsalView {
  if (json) return documents((document) => terminal.print(JSON.stringify(document)));
  const screen = terminal.isLive ? openScreen(terminal.output) : null;
  const unredirect = screen === null ? null : terminal.redirect((text) => screen.print(text));
  let doing = { step: "", said: "" };
  let since = 0;
  const draw = (): void => {
    const { step, said } = doing;
    screen?.draw(step === "" ? [] : [liveLine(step, said, performance.now() - since, terminal.style())]);
  };
  const show = (step: string, said: string): void => {
    if (step === doing.step && said === doing.said) return;
    if (step !== doing.step) since = performance.now();
    doing = { step, said };
    draw();
  };
  const timer = screen === null ? undefined : setInterval(draw, REDRAW_MS);
  const print = (line: string): void => (screen === null ? terminal.print(line) : screen.print(line));
  return {
    begin: print,
    part: (name) => print(`\n${partTitle(name, terminal.style())}`),
    now: (step, said = "") => show(step, said),
    step: (_, step) => {
      // What is over does not go on below its own line.
      show("", "");
      print(stepLine(step, terminal.style()));
    },
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

const REDRAW_MS = 1_000;

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
