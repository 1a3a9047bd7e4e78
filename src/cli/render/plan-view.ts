import { formatCount } from "../../core/analysis/figures.ts";
import { isActedOn } from "../../core/plan/guard.ts";
import { leastHoldMs, plannedHoldMs } from "../../core/plan/hold-time.ts";
import type { Plan } from "../../core/plan/plan.ts";
import type { Step, StepOf } from "../../core/plan/step.ts";
import { formatShare, twinShare, WHOLE } from "../../core/traffic/share.ts";
import { formatDuration, MINUTE } from "../../core/time/time.ts";
import type { PlanPreview } from "../plan-preview.ts";
import { guardsSentence } from "./guard-words.ts";
import { labelled } from "./labelled.ts";
import { powerSentence } from "./plan-power.ts";
import { migrateFacts, pendingFacts, undoFacts } from "./schema-facts.ts";
import { paint, type Style, symbols } from "./style.ts";
import { bothSides, padEnd, padStart, wrap } from "./text.ts";

type Stable = PlanPreview["stable"];

/** What a release would do now: its steps with their times and gates, and what to know before. */
export function planView(preview: PlanPreview, style: Style): readonly string[] {
  const { planHash, overrides, sources, warnings } = preview;
  return [
    ...title(preview, style),
    ...stepLines(preview, style),
    "",
    ...labelled("undo", [undoFacts(preview)], style),
    ...labelled("schema", pendingFacts(preview), style),
    ...labelled("time", [totalTime(preview)], style),
    ...labelled("tried", preview.rehearsal === null ? [] : [preview.rehearsal], style),
    ...labelled("power", unknownPower(preview), style),
    ...labelled("figures", sources.map(sourceLine), style),
    ...labelled("hash", [planHash], style),
    ...labelled(
      "env",
      overrides.map(
        ({ name, value, key, from, to }) => `${name}=${value}: ${key} ${from} ${symbols(style).arrow} ${to}`,
      ),
      style,
    ),
    ...warnings.flatMap((warning) =>
      wrap(`! ${warning}`, style.width - 2, "  ").map((line) => paint(style, "warn", `  ${line}`)),
    ),
  ];
}

/** `carts (prometheus): 1.02/s of a1f09c now` */
function sourceLine({ guard, kind, reading, sentence }: PlanPreview["sources"][number]): string {
  const told =
    reading.kind === "down"
      ? `can't be asked now: ${sentence}`
      : `${sentence}${reading.kind === "value" ? " now" : ""}`;
  return `${guard} (${kind}): ${told}`;
}

/** Where there are shares to compare in, and nothing is known of what they would see. */
function unknownPower({ plan, stable, power, requestsPerSecond: rate }: PlanPreview): readonly string[] {
  const isShared = plan.steps.some((step) => step.kind === "shift" && step.share < WHOLE);
  if (stable === null || !isShared || power.length > 0) return [];
  return [
    `${rate === null ? "no traffic was seen" : "there was no traffic in the last minute"}, so what each share would catch is not known: tidegate simulate --rps N says it`,
  ];
}

function title(
  { plan, stable, candidate, requestsPerSecond: rate, trafficSeenMs }: PlanPreview,
  style: Style,
): readonly string[] {
  const versions = stable === null ? candidate.label : `${stable.label} ${symbols(style).arrow} ${candidate.label}`;
  const isShort = trafficSeenMs !== null && trafficSeenMs < MINUTE;
  const since = isShort && rate !== 0 ? ` for ${formatDuration(trafficSeenMs)}` : "";
  const seen = rate === null ? "no traffic seen" : `traffic seen: ${formatCount(rate)}/s${since}`;
  const left = `tidegate plan  ${paint(style, "strong", `${plan.app} ${versions}`)}  ${plan.environment}  ${paint(style, "dim", seen)}`;
  return bothSides(left, paint(style, "dim", "changes nothing"), style.width);
}

function stepLines({ plan, stable, power, otherDays, schema }: PlanPreview, style: Style): readonly string[] {
  const names = plan.steps.map(({ name, phase }) => `${phase === undefined ? "" : "  "}${name}`);
  const nameWidth = Math.min(28, Math.max(...names.map((name) => name.length)));
  let watched = "";
  return plan.steps.flatMap((step, index) => {
    const before = plan.steps[index - 1];
    const phase =
      step.phase === undefined || step.phase.name === before?.phase?.name
        ? []
        : [
            paint(
              style,
              "dim",
              `    ${step.phase.name}${step.phase.objective === undefined ? "" : `: ${step.phase.objective}`}`,
            ),
          ];
    const lead = `${padStart(String(index + 1), 3)} ${padEnd(names[index] ?? "", nameWidth)}  `;
    const [first = "", ...rest] = wrap(
      stepFacts(step, plan, stable, schema).join(" · "),
      Math.max(24, style.width - lead.length),
    );
    const guards = guardsSentence(step.guards);
    const isWatched = step.kind === "shift" && !isLeftOut(step, stable);
    const isNews = isWatched && guards !== watched && guards !== "";
    if (isWatched) watched = guards;
    return [
      ...phase,
      `${paint(style, "dim", lead.slice(0, 4))}${lead.slice(4)}${first}`,
      ...rest.map((line) => " ".repeat(lead.length) + line),
      ...(isNews
        ? wrap(`watched: ${guards}`, Math.max(24, style.width - lead.length)).map((line) =>
            paint(style, "dim", " ".repeat(lead.length) + line),
          )
        : []),
      ...otherDays
        .filter((one) => one.step === step.id && one.isKnown && isWatched)
        .flatMap(({ sentence }) => wrap(`holds ${sentence}`, Math.max(24, style.width - lead.length)))
        .map((line) => paint(style, "dim", " ".repeat(lead.length) + line)),
      ...power
        .filter((one) => one.step === step.id)
        .flatMap((one) => wrap(powerSentence(one), Math.max(24, style.width - lead.length)))
        .map((line) => paint(style, "dim", " ".repeat(lead.length) + line)),
    ];
  });
}

/** What a step does and waits for, in a few words each. */
function stepFacts(step: Step, plan: Plan, stable: Stable, schema: PlanPreview["schema"]): readonly string[] {
  const after = step.afterMs === undefined ? [] : [`${formatDuration(step.afterMs)} after it is live`];
  const failing = step.else === "rollback" ? [] : [`else ${step.else}`];
  return [...doing(step, plan, stable, schema), ...after, ...failing];
}

function doing(step: Step, plan: Plan, stable: Stable, schema: PlanPreview["schema"]): readonly string[] {
  switch (step.kind) {
    case "check": {
      const open = step.checklist.items.filter(({ ticked }) => !ticked);
      const machine = open.filter(({ check }) => check !== undefined).length;
      return [`${step.checklist.source}: ${machine} checked by machine, ${open.length - machine} by a person`];
    }
    case "approve":
      return [
        `waits for ${step.count === 1 ? "" : `${step.count} × `}${step.role === "anyone" ? "anyone of the team" : step.role}`,
      ];
    case "window":
      return [
        step.window.kind === "times"
          ? `waits for ${step.window.text}`
          : `waits for the quietest ${step.window.hours}h (${step.window.zone})`,
      ];
    case "backup":
      return [BACKUP_FACTS[step.proof]];
    case "migrate":
      return migrateFacts(step, stable, schema);
    case "start":
      return [startFacts(plan, stable)];
    case "smoke":
      return [step.flows.map(({ name }) => name).join(", "), "on the instance, then through the front door"];
    case "warm":
      return [`${step.warm.pages.join(" ")} within ${formatDuration(step.warm.withinMs)}`];
    case "shift":
      return shiftFacts(step, plan, stable);
    case "notify":
      return [step.message];
    case "run":
      return [step.command, step.undo === undefined ? "no undo" : `undo: ${step.undo}`];
    case "retire":
      return stable === null
        ? ["nothing to retire"]
        : [
            `stops ${stable.label}`,
            `until here undo takes under 1s, after it ${stable.isAdopted ? "there is no way back to it" : "a start"}`,
          ];
  }
}

const BACKUP_FACTS: Readonly<Record<StepOf<"backup">["proof"], string>> = {
  decode: "every byte of it is read",
  restore: "restored beside the database and compared",
  drill: "restored beside the database, compared, and the migrations run there, taken back and run again",
};

function startFacts(plan: Plan, stable: Stable): string {
  const routed = plan.services.filter(({ routes }) => routes.length > 0);
  const names = routed.map(({ name, replicas }) => (replicas === 1 ? name : `${name} × ${replicas}`)).join(", ");
  const bound = Math.max(0, ...routed.map(({ startMs }) => startMs));
  const twin = hasTwin(plan, stable) ? `, and as much of ${stable?.label} as its twin` : "";
  return `${names}${stable === null ? "" : ` beside ${stable.label}`}, ready within ${formatDuration(bound)}${twin}`;
}

function hasTwin(plan: Plan, stable: Stable): boolean {
  return plan.twin === true && stable !== null && !stable.isAdopted;
}

/** Where nothing serves yet there is nothing to share with. */
function isLeftOut(step: StepOf<"shift">, stable: Stable): boolean {
  return stable === null && step.share < WHOLE;
}

function shiftFacts(step: StepOf<"shift">, plan: Plan, stable: Stable): readonly string[] {
  if (isLeftOut(step, stable)) return ["left out: nothing serves yet to share the traffic with"];
  const { hold } = step;
  const time =
    hold.kind === "for"
      ? `for ${formatDuration(hold.ms)}`
      : step.guards.some(isActedOn)
        ? `${formatDuration(hold.atLeastMs)} to ${formatDuration(hold.boundMs)}, until there is enough evidence`
        : formatDuration(hold.atLeastMs);
  const workers = plan.services
    .filter(({ routes, overlap }) => routes.length === 0 && !overlap)
    .map(({ name }) => name);
  const { pause } = plan.traffic;
  return [
    time,
    ...(hasTwin(plan, stable) && step.share < WHOLE ? [`its twin gets ${formatShare(twinShare(step.share))}`] : []),
    ...(hasTwin(plan, stable) && step.share === WHOLE ? ["stops the twin"] : []),
    ...(pause === undefined || stable === null
      ? []
      : [`under a pause: requests wait, ${formatDuration(pause.forMs)} at most, until ${stable.label} has none`]),
    ...(step.share === WHOLE && workers.length > 0 ? [`switches ${workers.join(", ")}`] : []),
  ];
}

function totalTime({ plan, lastWorkMs, stable }: PlanPreview): string {
  const shifts = plan.steps
    .filter((step) => step.kind === "shift")
    .filter(({ share }) => stable !== null || share === 10_000);
  const least = shifts.reduce((sum, { hold }) => sum + leastHoldMs(hold), 0);
  const most = shifts.reduce((sum, { hold }) => sum + plannedHoldMs(hold), 0);
  const holds = least === most ? formatDuration(least) : `${formatDuration(least)} to ${formatDuration(most)}`;
  const work = lastWorkMs === null ? "" : ` The work itself took ${formatDuration(lastWorkMs)} last time.`;
  const waits = plan.steps.some(({ kind }) => kind === "approve" || kind === "check" || kind === "window");
  return `holds ${holds}${waits ? ", and what people and windows take" : ""}; budget of the rest ${formatDuration(plan.budgetMs)}.${work}`;
}
