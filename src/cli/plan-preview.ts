import { createHash } from "node:crypto";
import type { Override } from "../config/overrides.ts";
import { canonicalJson } from "../core/text/canonical-json.ts";
import type { StepPower } from "../core/forecast/plan-power.ts";
import { secondsOfProbes } from "../core/forecast/probing.ts";
import { leastOfBlocksMs, waitsForBlocks } from "../core/analysis/gauges/gauge-limits.ts";
import { plannedHoldMs } from "../core/plan/hold-time.ts";
import { type Guard, guardLabel, isActedOn, isOfProcesses } from "../core/plan/guard.ts";
import type { Plan } from "../core/plan/plan.ts";
import type { StepOf } from "../core/plan/step.ts";
import { NO_TWIN_OF_ADOPTED } from "../core/release/twin.ts";
import { stoppingIn, stoppingSentence } from "../core/migration/refusal.ts";
import { isRunning, type Release } from "../core/release/release.ts";
import { hadVisitors, putBackBefore, putBackSentence } from "../core/command/put-back.ts";
import { statusOf } from "../core/status/status.ts";
import { type Duration, SECOND } from "../core/time/time.ts";
import { formatShare, WHOLE } from "../core/traffic/share.ts";
import { formatDuration } from "../core/time/time.ts";
import { probesSentence, stuckSentence, weakSentence } from "./render/plan-power.ts";
import type { PendingOfVersion } from "./migrations/pending-of-version.ts";
import { phasesOf } from "./migrations/phases-of-plan.ts";
import { type OtherDay, unknownDays } from "./other-days.ts";
import type { SourceTrial } from "./try-sources.ts";
import { unwrittenServices, WRITE_RUN } from "./init/unknown-run.ts";

/** What a release would be, now. */
export interface PlanPreview {
  readonly plan: Plan;
  readonly planHash: string;
  /** null: nothing serves. */
  readonly stable: { readonly version: string; readonly label: string; readonly isAdopted: boolean } | null;
  readonly candidate: { readonly version: string; readonly label: string };
  /** Requests a second over the last minute; null: no data plane runs, or it can't be asked. */
  readonly requestsPerSecond: number | null;
  /** Over which those were counted: a minute, or less where there was none before. */
  readonly trafficSeenMs: Duration | null;
  /** By share below 100 %; empty where no traffic was seen. */
  readonly power: readonly StepPower[];
  /** By step and guard that is held against another day. */
  readonly otherDays: readonly OtherDay[];
  readonly overrides: readonly Override[];
  /** Of the last release that went live: how long the work itself took. */
  readonly lastWorkMs: number | null;
  /** What the sources of its guards say just now, of the version that serves. */
  readonly sources: readonly SourceTrial[];
  /** null: it migrates nothing. */
  readonly schema: PendingOfVersion | null;
  /** Whether this version was rehearsed with this plan, in a sentence without its full stop. null: nobody rehearses here, nor asks for it. */
  readonly rehearsal: string | null;
  readonly warnings: readonly string[];
}

export function planHashOf(plan: Plan): string {
  return createHash("sha256").update(canonicalJson(plan)).digest("hex");
}

/** The work of the last release that went live, its holds apart. */
export function lastWorkMs(newestFirst: readonly Release[]): number | null {
  const last = newestFirst.find(({ state }) => state === "live" || state === "closed");
  return last === undefined ? null : statusOf(last, last.lastAt, null).deploymentMs;
}

/** What a person should know before it begins, a sentence each. */
export function warningsOf(
  preview: Omit<PlanPreview, "warnings">,
  newestFirst: readonly Release[],
  notes: readonly string[],
): readonly string[] {
  const [newest] = newestFirst;
  return [
    ...unwrittenServices(preview.plan).map((name) => `Nobody has written yet how ${name} starts: ${WRITE_RUN}`),
    ...notes,
    ...(newest !== undefined && isRunning(newest)
      ? [
          `Release ${newest.id} (${newest.candidate.label}) is running: until it ends a release is refused, unless it supersedes it.`,
        ]
      : []),
    ...putBack(putBackBefore(newestFirst, preview.candidate.version)),
    ...(newest?.state === "failed" ? [`Release ${newest.id} failed and needs a person before another can begin.`] : []),
    ...(preview.stable?.version === preview.candidate.version
      ? [`${preview.candidate.label} serves already: there is nothing to release.`]
      : []),
    ...(preview.plan.twin === true && preview.stable?.isAdopted === true
      ? [`${NO_TWIN_OF_ADOPTED.what} It will be refused: ${NO_TWIN_OF_ADOPTED.fix ?? ""}.`]
      : []),
    ...refusedSchema(preview),
    ...littleTraffic(preview),
    ...notWatched(preview),
    // The first version waits for no figures.
    ...(preview.stable === null ? [] : unknownDays(preview.otherDays)),
    ...overrun(preview),
    ...(preview.plan.automaticRollback
      ? []
      : ["Automatic rollback is off: what is worse holds until a person decides."]),
  ];
}

/** What the step that migrates would refuse, or only tell. */
function refusedSchema({ plan, schema }: Omit<PlanPreview, "warnings">): readonly string[] {
  if (schema === null) return [];
  if (schema.kind === "unknown") return [`What is pending in the database is not known: ${schema.why}`];
  const phases = phasesOf(plan);
  const isRefused = plan.database?.lint !== "warn";
  return [
    ...schema.problems.map(({ what, fix }) => `A release would be refused when it migrates. ${what} Fix: ${fix}.`),
    ...stoppingIn(schema.pending.filter(({ phase }) => phases.has(phase))).map(
      (each) =>
        `${isRefused ? "A release would be refused when it migrates. " : ""}${stoppingSentence(each)} ${each.fix}`,
    ),
  ];
}

function putBack(before: Release | null): readonly string[] {
  if (before === null) return [];
  const asks = hadVisitors(before)
    ? " To release it again has to be confirmed, by --yes where nobody can be asked."
    : "";
  return [`${putBackSentence(before)}${asks}`];
}

/** A share in which nothing could be told apart, and a guard without enough requests: without a verdict no step passes. */
function littleTraffic(preview: Omit<PlanPreview, "warnings">): readonly string[] {
  if (preview.stable === null) return [];
  const weak = preview.power.map(weakSentence).filter((sentence) => sentence !== null);
  const stuck = preview.power.map(stuckSentence).filter((sentence) => sentence !== null);
  return [...weak, ...stuck, ...tooFewProbes(preview), ...starved(preview), ...tooShortForBlocks(preview)];
}

/** Where no traffic was seen probes are all that a step has to show that a version is healthy. */
function tooFewProbes({ plan, power }: Omit<PlanPreview, "warnings">): readonly string[] {
  if (power.length > 0) return [];
  return plan.steps.flatMap((step) => {
    const seconds = step.kind === "shift" ? secondsOfProbes(step.guards, plan.probes) : null;
    const sentence = step.kind !== "shift" ? null : probesSentence(step.name, plannedHoldMs(step.hold), seconds);
    return sentence === null ? [] : [sentence];
  });
}

/** Shares in which no guard on answers acts, be it off, tried out or a mere warning: whatever a version answers, it goes live. */
function notWatched({ plan, stable }: Omit<PlanPreview, "warnings">): readonly string[] {
  const shifts = plan.steps.filter((step) => step.kind === "shift" && (stable !== null || step.share === WHOLE));
  const bare = shifts.filter(({ guards }) => !guards.some((guard) => acts(guard) && !isOfProcesses(guard.metric)));
  if (bare.length === 0) return [];
  const all = bare.length === shifts.length;
  const where = all ? "" : ` in ${bare.map(({ name }) => `"${name}"`).join(", ")}`;
  const isAnyActing = bare.some(({ guards }) => guards.some(acts));
  const what = isAnyActing
    ? `What visitors get is not watched${where}: no guard on it acts`
    : `Nothing is watched${where}: no guard acts`;
  const putBack = bare.flatMap(({ guards }) =>
    guards.filter((guard) => acts(guard) && putsBack(guard)).map(guardLabel),
  );
  const left = [...new Set(putBack), "failed checks", "instances that are no longer ready"];
  return [
    `${what}${all ? "" : " there"}, so a version that answers with errors ${all ? "goes live" : "passes"}. Only ${left.slice(0, -1).join(", ")} and ${left.at(-1)} put it back. Switch guards on: errors, p95.`,
  ];
}

function putsBack({ limits, slo }: Guard): boolean {
  return slo !== undefined || (limits.rollback ?? []).length > 0;
}

/** Something follows from it beside that people are told. */
function acts(guard: Guard): boolean {
  return isActedOn(guard) && (putsBack(guard) || (guard.limits.hold ?? []).length > 0);
}

/** What compares CPU or memory minute by minute needs some minutes, and a step waits for what may hold it. */
function tooShortForBlocks({ plan }: Omit<PlanPreview, "warnings">): readonly string[] {
  return plan.steps.flatMap((step) => {
    if (step.kind !== "shift") return [];
    const { hold } = step;
    const guard = step.guards.find((each) => waitsForBlocks(each) && 2 * plannedHoldMs(hold) < leastOfBlocksMs(each));
    return guard === undefined
      ? []
      : [
          `"${step.name}" has ${formatDuration(plannedHoldMs(step.hold))}, and what its "${guardLabel(guard)}" compares minute by minute takes ${formatDuration(leastOfBlocksMs(guard))} at the least: it waits, and holds when twice its time is over. Let it warn, or give the step more time.`,
        ];
  });
}

/** A plain limit says nothing below its number of requests; what is judged by evidence has none. */
function starved({ plan, requestsPerSecond: rate }: Omit<PlanPreview, "warnings">): readonly string[] {
  if (rate === null) return [];
  const first = plan.steps.find((step): step is StepOf<"shift"> => step.kind === "shift");
  if (first === undefined) return [];
  const hungriest = first.guards
    // How much of the traffic a feature has is not known.
    // A figure from outside is asked at a moment, whoever visits.
    .filter((guard) => isActedOn(guard) && guard.feature === undefined && guard.windowMs > 0)
    .filter(({ limits }) => Object.values(limits).some((limit) => limit.some(({ kind }) => kind === "plain")))
    .map((guard) => ({ guard, gets: rate * (first.share / 10_000) * (guard.windowMs / SECOND) }))
    .filter(({ guard, gets }) => gets < guard.minRequests)
    .sort((a, b) => b.guard.minRequests / b.guard.windowMs - a.guard.minRequests / a.guard.windowMs)[0];
  if (hungriest === undefined) return [];
  const { guard, gets } = hungriest;
  return [
    `Little traffic: at ${formatShare(first.share)} about ${Math.floor(gets)} requests in ${formatDuration(guard.windowMs)} reach the new version, and "${guardLabel(guard)}" needs ${guard.minRequests}. The step waits until there are enough, and holds when its time is over.`,
  ];
}

function overrun({ plan, lastWorkMs: work }: Omit<PlanPreview, "warnings">): readonly string[] {
  if (work === null || work <= plan.budgetMs) return [];
  return [
    `The last deployment took ${formatDuration(work)} without its holds, and the budget is ${formatDuration(plan.budgetMs)}.`,
  ];
}
