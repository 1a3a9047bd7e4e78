import { isActedOn } from "../../core/plan/guard.ts";
import type { Status } from "../../core/status/status.ts";
import { formatDuration } from "../../core/time/time.ts";
import { adviceOf } from "./advice.ts";
import { labelled, labelledCommands } from "./labelled.ts";
import { paint, type Style, type Tone } from "./style.ts";
import { wrap } from "./text.ts";

/** Where the release stands and why, when it is decided next, and what a person can do; `reasons`: and what that does. */
export function standing(
  status: Status,
  style: Style,
  openItems: readonly string[] = [],
  reasons = true,
): readonly string[] {
  const advice = adviceOf(status, openItems);
  const sentences = [status.sentence, ...nextDecision(status)];
  return [
    ...wrap(sentences.join(" "), style.width, "  ").map((line) => paint(style, toneOf(status), line)),
    ...labelled("tried", triedOut(status), style),
    ...labelledCommands("next", reasons ? advice : advice.map(({ command }) => ({ command, does: "" })), style),
  ];
}

/** What guards say of which nothing follows. */
function triedOut({ verdicts, current, isWatched }: Status): readonly string[] {
  // Without an engine they are of a time that is not said.
  return current === null || !isWatched
    ? []
    : verdicts.filter((verdict) => !isActedOn(verdict)).map(({ sentence }) => sentence);
}

export function toneOf(status: Status): Tone {
  if (status.state === "failed") return "bad";
  if (status.hold !== null || status.paused !== null || status.state === "rolling-back") return "warn";
  return "plain";
}

function nextDecision({ current, hold, paused, isWatched, stable }: Status): readonly string[] {
  if (current === null || paused !== null || hold?.endsByItself === false) return [];
  // The time that is left counts only while somebody watches.
  if (!isWatched && (current.waitsFor === "time" || current.waitsFor === "evidence")) return [];
  if (hold?.needsPerson === true) return ["Whoever acts goes on once that is over; a person can decide before."];
  if (current.waitsFor === "start-time" && current.nextDecisionInMs !== null)
    return [`Due in ${formatDuration(current.nextDecisionInMs)}.`];
  if (current.nextDecisionInMs !== null) return [`Next decision in ${formatDuration(current.nextDecisionInMs)}.`];
  if (current.waitsFor !== "evidence") return [];
  if (hold !== null) return ["Goes on by itself once that is over."];
  return [
    stable === null
      ? "Goes on after the first look at it, with visitors or without."
      : "Goes on as soon as there is enough data.",
  ];
}
