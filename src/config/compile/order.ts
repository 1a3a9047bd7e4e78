import { formatShare, WHOLE } from "../../core/traffic/share.ts";
import type { EnvironmentOverrides } from "../overrides.ts";
import type { Path } from "../reading/located.ts";
import type { PathProblem } from "../reading/problem.ts";
import type { Told } from "./context.ts";
import { type Draft, needsCandidate } from "./drafts.ts";

/** What is wrong with the order of the steps, each of which may be right by itself. */
export function checkOrder(
  drafts: readonly Draft[],
  overrides: EnvironmentOverrides,
  told: Told,
  isUnderPause: boolean,
): void {
  checkShares(drafts, overrides, told);
  if (isUnderPause) checkWhole(drafts, overrides, told);
  checkStart(drafts, told);
  checkRetire(drafts, told);
  checkAfter(drafts, told);
  checkStepBack(drafts, told);
}

/** A step that stands where it can't. */
export function wrongOrder(told: Told, draft: Draft, what: string, fix: string, more: Partial<PathProblem> = {}): void {
  told.plan.push({ code: "plan-steps-order", what, fix, path: [...draft.path, draft.verb], on: "key", ...more });
}

function checkShares(drafts: readonly Draft[], { canaryShare }: EnvironmentOverrides, told: Told): void {
  const retire = drafts.findIndex(({ verb }) => verb === "retire");
  const full = drafts.findIndex(({ share }) => share?.value === WHOLE);
  // A shift after `retire` is told as such.
  const end = retire > full && full >= 0 ? retire : drafts.length;
  const shifts = drafts.slice(0, end).filter(({ verb }) => verb === "shift");
  let before: Draft | undefined;
  for (const shift of shifts) {
    const share = shift.share?.value ?? 0;
    const at = { path: shift.share?.path ?? shift.path, on: "value" } as const;
    const last = before?.share?.value ?? 0;
    // The first shift may be the environment's, and then it is not the file that is wrong.
    const lastIsOverride = canaryShare !== undefined && before !== undefined && before === shifts[0];
    const cause = lastIsOverride ? ` (${canaryShare.name}=${canaryShare.text} sets the first shift)` : "";
    if (share === 0)
      wrongOrder(told, shift, "A shift to 0% gives the new version nothing.", "Begin with a share above 0%.", at);
    else if (share < last)
      wrongOrder(
        told,
        shift,
        `The share goes down here, from ${formatShare(last)} to ${formatShare(share)}${cause}.`,
        "Shares only go up in a plan; going back is what `else: step-back` and a rollback do.",
        at,
      );
    else if (share === last)
      wrongOrder(
        told,
        shift,
        `The share is ${formatShare(share)} already${cause}.`,
        "Remove this shift, or give the one before it more time with `for`.",
        at,
      );
    before = shift;
  }
  const highest = Math.max(0, ...shifts.map(({ share }) => share?.value ?? 0));
  if (highest >= WHOLE) return;
  const what =
    shifts.length === 0
      ? "No step gives the new version any traffic."
      : `No shift gives the new version all of the traffic: the highest is ${formatShare(highest)}.`;
  const [first] = shifts;
  told.plan.push({
    code: "plan-steps-order",
    what:
      canaryShare !== undefined && shifts.length === 1
        ? `${what.slice(0, -1)} (${canaryShare.name}=${canaryShare.text} sets the only shift).`
        : what,
    fix: "End with `- shift: 100%`.",
    path: first === undefined ? ["steps"] : (shifts.at(-1)?.share?.path ?? ["steps"]),
    on: first === undefined ? "key" : "value",
    isAbsence: true,
  });
}

/** With a pause two versions never serve at once, and a part of the traffic would be just that. */
function checkWhole(drafts: readonly Draft[], { canaryShare }: EnvironmentOverrides, told: Told): void {
  const shifts = drafts.filter(({ verb }) => verb === "shift");
  for (const [index, shift] of shifts.entries()) {
    const share = shift.share?.value ?? WHOLE;
    if (share === 0 || share >= WHOLE) continue;
    const cause =
      canaryShare !== undefined && index === 0 ? ` (${canaryShare.name}=${canaryShare.text} sets the first shift)` : "";
    wrongOrder(
      told,
      shift,
      `\`traffic.pause\` says that two versions never serve at once, and at ${formatShare(share)} both do${cause}.`,
      "Make `shift: 100%` the only shift, or remove `pause`.",
      { path: shift.share?.path ?? shift.path, on: "value" },
    );
  }
}

function checkStart(drafts: readonly Draft[], told: Told): void {
  const starts = drafts.filter(({ verb }) => verb === "start");
  for (const again of starts.slice(1))
    wrongOrder(told, again, "`start` stands in the plan twice.", "Keep the first one.");
  const early = drafts
    .slice(
      0,
      drafts.findIndex(({ verb }) => verb === "start"),
    )
    .find(needsCandidate);
  if (early !== undefined && starts.length > 0)
    wrongOrder(
      told,
      early,
      `\`${early.verb}\` needs the new version to run, and \`start\` comes later.`,
      "Move `start` before it, or leave `start` out: it is put in by itself.",
    );
}

function checkRetire(drafts: readonly Draft[], told: Told): void {
  const retire = drafts.findIndex(({ verb }) => verb === "retire");
  if (retire < 0) return;
  for (const again of drafts.slice(retire + 1).filter(({ verb }) => verb === "retire"))
    wrongOrder(told, again, "`retire` stands in the plan twice.", "Keep one of them.");
  const full = drafts.findIndex(({ share }) => share?.value === WHOLE);
  const [step] = drafts.slice(retire);
  if (step !== undefined && (full < 0 || full > retire)) {
    const what = "`retire` comes before the shift to 100%: the old version still has traffic.";
    return wrongOrder(told, step, what, "Move it behind `- shift: 100%`.", { isAbsence: full < 0 });
  }
  for (const late of drafts.slice(retire + 1).filter(({ verb }) => verb === "shift")) {
    const what = "This shift comes after `retire`: there is no old version any more to shift from.";
    wrongOrder(told, late, what, "Move `retire` behind the last shift.", {
      path: late.share?.path ?? late.path,
      on: "value",
    });
  }
}

function checkAfter(drafts: readonly Draft[], told: Told): void {
  const last = drafts.findLastIndex(({ verb }) => verb === "shift");
  for (const [index, draft] of drafts.entries()) {
    if (draft.written.after === undefined || index > last) continue;
    const what = "`after` counts from the moment at which the release is live, and here it is not live yet.";
    wrongOrder(told, draft, what, "Move the step behind the last shift, or give a shift more time with `for`.", {
      path: [...draft.path, "after"],
    });
  }
}

/** A step, or a phase, all of whose steps come before there is a share to go back to. */
function checkStepBack(drafts: readonly Draft[], told: Told): void {
  const firstShift = drafts.findIndex(({ verb }) => verb === "shift");
  const scopes = new Set(drafts.filter((draft) => draft.else === "step-back").map(scopeOf));
  for (const scope of scopes) {
    const last = drafts.findLastIndex((draft) => scopeOf(draft) === scope);
    const draft = drafts[last];
    if (draft === undefined || (firstShift >= 0 && last > firstShift)) continue;
    wrongOrder(told, draft, "There is no earlier share to step back to.", "Write `else: rollback` or `else: hold`.", {
      path: [...scope, "else"],
      on: "value",
    });
  }
}

/** Where the `else` of a step is written: on itself, or on its phase. */
function scopeOf(draft: Draft): Path {
  return draft.written.else === undefined ? (draft.phase?.path ?? draft.path) : draft.path;
}
