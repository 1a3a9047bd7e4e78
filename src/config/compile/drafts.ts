import type { OnFailure, StepKind } from "../../core/plan/step.ts";
import { formatShare, type Share, WHOLE } from "../../core/traffic/share.ts";
import type { Duration } from "../../core/time/time.ts";
import { spellDuration } from "../../core/text/units.ts";
import type { EnvironmentOverrides, Override } from "../overrides.ts";
import { type Path, spellPath } from "../reading/located.ts";
import type { PlanConfig } from "../schema/plan-file.ts";
import type { Told } from "./context.ts";
import { hasMigrations } from "./migrations.ts";

type AnyStep = NonNullable<PlanConfig["steps"]>[number];
type StepObject = Exclude<AnyStep, string>;
export type PhaseConfig = Extract<StepObject, { phase: string }>;
type PlainStep = Exclude<StepObject, PhaseConfig>;
/** What is written of a step whose key is the verb. */
export type WrittenStep<V extends StepKind> = Extract<PlainStep, Record<V, unknown>>;

/** A step of the plan before it is compiled: one thing, of one phase, with one share. */
export interface Draft {
  readonly verb: StepKind;
  readonly written: PlainStep;
  readonly path: Path;
  /** Put in by Tidegate: it stands nowhere in the file. */
  readonly isImplied: boolean;
  readonly phase?: { readonly written: PhaseConfig; readonly path: Path };
  /** Shifts only. */
  readonly share?: { readonly value: Share; readonly path: Path };
  readonly forMs?: Duration;
  readonly else: OnFailure;
}

/** The steps in their order: phases opened, lists of shares spread out, `start` put in where it is not written. */
export function draftSteps(config: PlanConfig, hasTraffic: boolean, told: Told): readonly Draft[] {
  if (config.steps === undefined)
    return [...defaultMigration(config), ...defaultSteps(hasTraffic, config.traffic?.pause !== undefined)].flatMap(
      (step) => spread(step, ["steps"], told, true),
    );
  const drafts = config.steps.flatMap((step, index): readonly Draft[] => {
    const path: Path = ["steps", index];
    if (typeof step === "string" || !("phase" in step)) return spread(step, path, told, false);
    const phase = { written: step, path };
    return step.steps.flatMap((inner, at) => spread(inner, [...path, "steps", at], told, false, phase));
  });
  return withStart(drafts);
}

/** What the smallest plan file does. Workers alone have no traffic to split and no door to knock on. */
function defaultSteps(hasTraffic: boolean, isUnderPause: boolean): readonly AnyStep[] {
  if (!hasTraffic) return ["start", { shift: WHOLE }, "retire"];
  return ["start", "smoke", { shift: isUnderPause ? WHOLE : [500, 2_500, WHOLE] }, "retire"];
}

/** What changes the schema comes before what needs it, and what it can be brought back from before that. */
function defaultMigration({ database }: PlanConfig): readonly AnyStep[] {
  return !hasMigrations(database) ? [] : [{ backup: "restore" }, { migrate: "all" }];
}

function spread(
  step: AnyStep,
  path: Path,
  told: Told,
  isImplied: boolean,
  phase?: NonNullable<Draft["phase"]>,
): readonly Draft[] {
  const written = (typeof step === "string" ? { [step]: null } : step) as PlainStep;
  const verb = VERBS.find((known) => known in written) ?? "start";
  const base = {
    verb,
    written,
    path,
    isImplied,
    else: written.else ?? phase?.written.else ?? "rollback",
    ...(phase === undefined ? {} : { phase }),
  };
  if (!("shift" in written)) return [base];
  const forMs = written.for === undefined ? {} : { forMs: written.for };
  return sharesOf(written, path, told).map((share) => ({ ...base, share, ...forMs }));
}

const VERBS: readonly StepKind[] = [
  "check",
  "approve",
  "window",
  "backup",
  "migrate",
  "start",
  "smoke",
  "warm",
  "shift",
  "notify",
  "run",
  "retire",
];

function sharesOf(written: WrittenStep<"shift">, path: Path, told: Told): readonly NonNullable<Draft["share"]>[] {
  const { shift, to } = written;
  if (shift !== null && to !== undefined) {
    const what = "The shares stand here twice: after `shift:` and after `to:`.";
    told.plan.push({ code: "plan-key-twice", what, fix: "Keep one of them.", path: [...path, "to"], on: "key" });
  }
  if (shift === null && to === undefined) {
    const what = "`shift` needs a share.";
    told.plan.push({ code: "plan-key-missing", what, fix: "Write `shift: 5%`.", path: [...path, "shift"], on: "key" });
  }
  const key = shift === null ? "to" : "shift";
  const shares = shift ?? to ?? [];
  return Array.isArray(shares)
    ? shares.map((value, index) => ({ value, path: [...path, key, index] }))
    : [{ value: shares, path: [...path, key] }];
}

const NEEDS_CANDIDATE: readonly StepKind[] = ["smoke", "warm", "shift"];

export function needsCandidate({ verb }: Draft): boolean {
  return NEEDS_CANDIDATE.includes(verb);
}

function withStart(drafts: readonly Draft[]): readonly Draft[] {
  const first = drafts.findIndex(needsCandidate);
  if (first < 0 || drafts.some(({ verb }) => verb === "start")) return drafts;
  const start: Draft = { verb: "start", written: { start: null }, path: ["steps"], isImplied: true, else: "rollback" };
  return [...drafts.slice(0, first), start, ...drafts.slice(first)];
}

/** `CANARY_PERCENTAGE` and `CANARY_DURATION` set the first shift, wherever it stands. */
export function overrideFirstShift(
  drafts: readonly Draft[],
  { canaryShare, canaryFor }: EnvironmentOverrides,
): { readonly drafts: readonly Draft[]; readonly overrides: readonly Override[] } {
  const index = drafts.findIndex(({ verb }) => verb === "shift");
  const first = drafts[index];
  if (first?.share === undefined || (canaryShare === undefined && canaryFor === undefined))
    return { drafts, overrides: [] };
  const key = first.isImplied ? "steps (default)" : spellPath(first.share.path);
  const overrides: Override[] = [];
  let changed: Draft = first;
  if (canaryShare !== undefined) {
    const to = formatShare(canaryShare.value);
    overrides.push({ name: canaryShare.name, value: canaryShare.text, key, from: formatShare(first.share.value), to });
    changed = { ...changed, share: { ...first.share, value: canaryShare.value } };
  }
  if (canaryFor !== undefined) {
    const from = first.forMs === undefined ? "until there is evidence" : spellDuration(first.forMs);
    const forKey = first.isImplied ? key : spellPath([...first.path, "for"]);
    overrides.push({
      name: canaryFor.name,
      value: canaryFor.text,
      key: forKey,
      from,
      to: spellDuration(canaryFor.value),
    });
    changed = { ...changed, forMs: canaryFor.value };
  }
  return { drafts: drafts.with(index, changed), overrides };
}
