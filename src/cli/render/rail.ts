import type { Status } from "../../core/status/status.ts";
import type { StepStatus } from "../../core/status/step-status.ts";
import { paint, type Style, symbols, type Tone } from "./style.ts";
import { wrapItems } from "./text.ts";

/** More lines than this would push the figures off the screen: then what lies far away is summed up. */
const MOST_LINES = 4;

/** Every step with its state: `✔ smoke  ✔ warm  ● shift 5%  ○ 25%  ○ 100%  ┃ ○ contract`. */
export function rail(status: Status, style: Style, mostLines = MOST_LINES): readonly string[] {
  const names = shortNames(status.steps);
  const item = (step: StepStatus): string => one(status, step, names.get(step.id) ?? step.name, style);
  const all = wrapItems(withPhases(status.steps, item, style), style.width, { between: "  " });
  return all.length <= mostLines ? all : around(status, item, style, mostLines);
}

function one(status: Status, step: StepStatus, name: string, style: Style): string {
  const [symbol, tone] = markOf(status, step, style);
  const attempt = step.attempt > 1 ? ` (try ${step.attempt})` : "";
  const text = step.state === "waiting" || step.state === "skipped" ? paint(style, "dim", name) : name;
  const shown = step.state === "running" ? paint(style, "strong", text) : text;
  return `${paint(style, tone, symbol)} ${shown}${attempt}`;
}

function markOf(status: Status, step: StepStatus, style: Style): readonly [string, Tone] {
  const marks = symbols(style);
  switch (step.state) {
    case "passed":
      return step.isPromotedPast === true ? [marks.skipped, "warn"] : [marks.passed, "good"];
    case "skipped":
      return [marks.skipped, "dim"];
    case "failed":
      return [marks.failed, "bad"];
    case "waiting":
      return [marks.waiting, "dim"];
    case "running":
      // It was left when a person rolled back: nothing of it runs any more, and it has not failed either.
      if (status.state === "rolled-back" || status.state === "rolling-back") return [marks.skipped, "dim"];
      return [marks.running, status.hold?.needsPerson === true || status.paused !== null ? "warn" : "active"];
  }
}

/** After the first shift the share alone says enough, as long as the user gave the step no name. */
function shortNames(steps: readonly StepStatus[]): ReadonlyMap<string, string> {
  const first = steps.find(({ kind }) => kind === "shift");
  return new Map(
    steps.flatMap((step) => {
      const share = `${step.sharePercent}%`;
      return step.kind === "shift" && step !== first && step.name === `shift ${share}`
        ? [[step.id, share] as const]
        : [];
    }),
  );
}

/** A step each; those of a phase in brackets behind its name: `canary(● shift 5%  ○ 10%)`. */
function withPhases(steps: readonly StepStatus[], item: (step: StepStatus) => string, style: Style): readonly string[] {
  return steps.map((step, index) => {
    const { phase } = step;
    const before = step.isPointOfNoReturn === true ? `${paint(style, "dim", symbols(style).noReturn)} ` : "";
    if (phase === undefined) return before + item(step);
    const begin = phase === steps[index - 1]?.phase ? "" : paint(style, "dim", `${phase}(`);
    const end = phase === steps[index + 1]?.phase ? "" : paint(style, "dim", ")");
    return `${before}${begin}${item(step)}${end}`;
  });
}

/** The step that is due and its neighbours; the others as numbers. */
function around(
  status: Status,
  item: (step: StepStatus) => string,
  style: Style,
  mostLines: number,
): readonly string[] {
  const marks = symbols(style);
  const { steps } = status;
  const due = steps.findIndex(({ state }) => state === "running" || state === "failed" || state === "waiting");
  const middle = due < 0 ? steps.length - 1 : due;
  for (let reach = steps.length; ; reach--) {
    const from = Math.max(0, middle - Math.ceil(reach / 3));
    const to = Math.min(steps.length, middle + 1 + reach);
    const before = from === 0 ? [] : [`${paint(style, "good", marks.passed)} ${counted(from)}`];
    const after = to === steps.length ? [] : [paint(style, "dim", `${marks.ellipsis} ${steps.length - to} more`)];
    const items = [...before, ...withPhases(steps.slice(from, to), item, style), ...after];
    const filled = wrapItems(items, style.width, { between: "  " });
    if (filled.length < Math.max(2, mostLines) || reach === 0) return filled;
  }
}

function counted(steps: number): string {
  return `${steps} ${steps === 1 ? "step" : "steps"}`;
}
