import type { Status } from "../../core/status/status.ts";
import type { StepStatus } from "../../core/status/step-status.ts";
import { formatDuration } from "../../core/time/time.ts";
import { faultLines } from "./fault-lines.ts";
import { labelled } from "./labelled.ts";
import { paint, type Style, symbols } from "./style.ts";
import { wrap, wrapItems } from "./text.ts";

/** A release that is live or closed: how long each step took, what is still to come, how to undo it. */
export function summary(status: Status, style: Style): readonly string[] {
  const marks = symbols(style);
  const { candidate, app, environment } = status;
  const words = status.state === "closed" ? "CLOSED" : "LIVE";
  const took = status.liveAtMs === null ? "" : ` after ${formatDuration(status.liveAtMs - status.plannedAtMs)}`;
  const sentence = `${candidate.label} serves all of ${app} ${environment}${took}.`;
  return [
    ...wrap(`${marks.passed} ${words}: ${sentence}`, style.width, "  ").map((line, index) =>
      index === 0 ? paint(style, "good", line) : line,
    ),
    ...stepTimes(status, style),
    `  deployment ${formatDuration(status.deploymentMs)}, holds and waits apart`,
    ...labelled("over", passedOver(status), style),
    ...labelled("note", status.leftRunning, style),
    ...toCome(status, style),
    ...(status.rollbackWould === null ? [] : labelled("undo", [undo(status, status.rollbackWould)], style)),
  ];
}

/** A command that would be refused is none to offer. */
function undo({ canRollBack, release }: Status, would: string): string {
  return canRollBack ? `tidegate rollback ${release}: ${would}` : would;
}

/** A release that only a person can get further. */
export function failure(status: Status, style: Style): readonly string[] {
  const fault = status.fault ?? { code: "failed", what: status.sentence };
  const { what } = fault;
  const [, ...rest] = faultLines({ ...fault, what: "" }, style.width);
  return [
    ...wrap(`${symbols(style).failed} NEEDS A PERSON: ${what}`, style.width, "  ").map((line, index) =>
      index === 0 ? paint(style, "bad", line) : line,
    ),
    ...rest,
    ...labelled("next", [`tidegate retry ${status.release}`], style),
  ];
}

function stepTimes({ steps }: Status, style: Style): readonly string[] {
  const done = steps.filter(
    ({ state, tookMs, isPromotedPast }) => state === "passed" && tookMs !== null && isPromotedPast !== true,
  );
  const items = done.map(({ name, tookMs }) => `${name} ${paint(style, "strong", formatDuration(tookMs ?? 0))}`);
  return items.length === 0 ? [] : wrapItems(items, style.width, { between: "   ", lead: "  ", indent: "  " });
}

/** What counts as passed, and was not done, or not as it should be. */
function passedOver({ steps }: Status): readonly string[] {
  return steps
    .filter(({ isPromotedPast }) => isPromotedPast === true)
    .map(({ name }) => `"${name}" did not pass: a person promoted past it`);
}

function toCome({ steps, current, state }: Status, style: Style): readonly string[] {
  if (state === "closed") return [];
  const left = steps.filter((step) => step.state === "waiting" || step.state === "running");
  if (left.length === 0) return [];
  const when = (step: StepStatus): string =>
    step.id === current?.step && current.waitsFor === "start-time" && current.nextDecisionInMs !== null
      ? `${step.name} (due in ${formatDuration(current.nextDecisionInMs)})`
      : step.name;
  return labelled("later", [left.map(when).join(", ")], style);
}
