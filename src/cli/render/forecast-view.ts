import { formatCount } from "../../core/analysis/figures.ts";
import { formatDuration, SECOND } from "../../core/time/time.ts";
import type { PlayedCase } from "../simulate/simulation.ts";
import type { SimulatedStep } from "../simulate/step.ts";
import type { Forecast } from "../../core/forecast/forecast.ts";
import { honestLimit, type HonestLimit, timeOfFault } from "../../core/forecast/honest-limit.ts";
import { chart } from "./chart.ts";
import { atMost, chance, rateText, uncertainty } from "./chance.ts";
import { labelled } from "./labelled.ts";
import { paint, type Style } from "./style.ts";
import { padEnd, padStart, wrap } from "./text.ts";

/** One fault: whether the step catches it, and when. */
export function faultView(
  step: SimulatedStep,
  faulty: PlayedCase,
  healthy: PlayedCase,
  style: Style,
): readonly string[] {
  const { caught, delaySeconds, runs } = faulty.result;
  const { traffic } = step.forecast;
  const errors =
    traffic.candidateErrors === traffic.stableErrors ? [] : [`with ${rateText(traffic.candidateErrors)} errors`];
  const slower = traffic.latency?.candidateSlower ?? 1;
  const words = [...errors, ...(slower === 1 ? [] : [`that takes ${slower}x as long`])].join(" and ");
  const often =
    delaySeconds === null
      ? `is not caught in any of ${formatCount(runs)} such steps.`
      : `is caught in ${chance(caught)} of such steps${caught === 1 ? ":" : "; where it is,"} half within ${time(delaySeconds.median)}, 95% within ${time(delaySeconds.p95)}.`;
  return [
    ...sentence(`A candidate ${words === "" ? "as good as stable" : words} ${often}`, style),
    "",
    ...table(
      [
        formulaRow(faulty),
        playedRow(`played ${formatCount(runs)} times`, faulty),
        playedRow("a healthy one, put back", healthy),
      ],
      style,
    ),
    "",
    ...caughtBy(faulty, style),
    ...labelled("limit", [limitOfFault(step)], style),
    ...labelled("note", ofFormula(step), style),
    ...assumptions(step, style),
  ];
}

/** Faults of several sizes. */
export function sizesView(step: SimulatedStep, played: readonly PlayedCase[], style: Style): readonly string[] {
  const names = (one: PlayedCase): string =>
    typeof one.fault === "string"
      ? "none: put back"
      : "errors" in one.fault
        ? `${rateText(one.fault.errors)} errors`
        : `${one.fault.slower}x as slow`;
  return [
    ...sentence(sizesSentence(step, played), style),
    "",
    ...table(
      played.map((one) => playedRow(names(one), one)),
      style,
    ),
    "",
    ...footnotes(step, style),
  ];
}

/** Healthy candidates alone. */
export function healthyView(step: SimulatedStep, played: PlayedCase, style: Style): readonly string[] {
  const { caught, runs } = played.result;
  const found =
    caught === 0
      ? `None of ${formatCount(runs)} healthy candidates is put back: surely fewer than ${chance(3 / runs)}.`
      : `${chance(caught)} of healthy candidates are put back (${formatCount(caught * runs)} of ${formatCount(runs)}), surely fewer than ${chance(atMost(caught, runs))}.`;
  return [...sentence(`${found} At most 1% is what the comparison promises.`, style), "", ...assumptions(step, style)];
}

function sizesSentence({ forecast }: SimulatedStep, played: readonly PlayedCase[]): string {
  const { traffic, seconds } = forecast;
  const where = `A step of ${time(seconds)} at ${rateText(traffic.share)} of ${perSecond(traffic.rps)}${besideTwin(traffic)}`;
  const sure = played.filter(({ fault, result }) => typeof fault !== "string" && result.caught >= 0.95);
  const errors = sure.flatMap(({ fault }) => (typeof fault !== "string" && "errors" in fault ? [fault.errors] : []))[0];
  const slower = sure.flatMap(({ fault }) => (typeof fault !== "string" && "slower" in fault ? [fault.slower] : []))[0];
  const found = [
    ...(errors === undefined ? [] : [`error rates from ${rateText(errors)}`]),
    ...(slower === undefined ? [] : [`answers that take ${slower}x as long`]),
  ];
  return found.length === 0
    ? `${where} catches none of these faults for sure.`
    : `${where} catches ${found.join(" and ")} nearly always.`;
}

function besideTwin({ hasTwin }: SimulatedStep["forecast"]["traffic"]): string {
  return hasTwin === true ? " beside a twin" : "";
}

interface Row {
  readonly name: string;
  readonly cells: readonly string[];
}

const CHART_WIDTH = 64;
const HEADS = ["caught", "give or take", "half within", "95% within", "by formula"];

function formulaRow({ formula }: PlayedCase): Row {
  return {
    name: "by formula",
    cells: [chance(formula.caught), "", "", "", ""],
  };
}

function playedRow(name: string, { result, fault, formula }: PlayedCase): Row {
  const { caught, runs, delaySeconds } = result;
  const delays = delaySeconds === null ? ["-", "-"] : [time(delaySeconds.median), time(delaySeconds.p95)];
  const said = typeof fault === "string" ? "" : chance(formula.caught);
  return { name, cells: [chance(caught), chance(uncertainty(caught, runs)), ...delays, said] };
}

function table(rows: readonly Row[], style: Style): readonly string[] {
  const used = HEADS.map((_, column) => column).filter((column) =>
    rows.some(({ cells }) => (cells[column] ?? "") !== ""),
  );
  const nameWidth = Math.max(...rows.map(({ name }) => name.length));
  const line = (name: string, cells: readonly string[]): string =>
    `  ${padEnd(name, nameWidth)}${used.map((column) => padStart(cells[column] ?? "", 14)).join("")}`.trimEnd();
  return [paint(style, "dim", line("", HEADS)), ...rows.map(({ name, cells }) => line(name, cells))];
}

/** What part was caught by when. */
function caughtBy({ caughtAt, forecast }: PlayedCase, style: Style): readonly string[] {
  const delays = caughtAt.filter((at) => at !== null).sort((a, b) => a - b);
  const last = delays.at(-1);
  if (last === undefined) return [];
  // A fault that is found in seconds would be a wall at the left edge of a step of hours.
  const end = Math.min(forecast.seconds, Math.ceil(last * 1.05));
  const width = Math.min(CHART_WIDTH, style.width - 10);
  const values = Array.from({ length: width }, (_, column) => {
    const until = (end * (column + 1)) / width;
    return delays.filter((at) => at <= until).length / caughtAt.length;
  });
  return [paint(style, "dim", "  caught by"), ...chart({ values, marks: ["0s", time(end / 2), time(end)] }, style), ""];
}

function footnotes(step: SimulatedStep, style: Style): readonly string[] {
  return [
    ...labelled("limit", [limitOfSizes(step)], style),
    ...labelled("note", ofFormula(step), style),
    ...assumptions(step, style),
  ];
}

/** Where visitors are played it says something else. */
function ofFormula({ forecast }: SimulatedStep): readonly string[] {
  return forecast.traffic.visitors === null
    ? []
    : [
        "the formula and the limit take each request as somebody else's: they know neither visitors nor their own speed",
      ];
}

function limitOfSizes({ forecast }: SimulatedStep): string {
  const { traffic } = forecast;
  const limit = honestLimit(forecast);
  return limit === null
    ? `at ${rateText(traffic.stableErrors)} errors of stable nothing can be much worse`
    : takes(forecast, `an error rate of ${rateText(limit.errors)}`, limit);
}

/** Of the fault that was asked for, and of no other. */
function limitOfFault({ forecast }: SimulatedStep): string {
  const limit = timeOfFault(forecast);
  return limit === null
    ? "such a candidate is within what is tolerated, so no amount of traffic puts it back"
    : takes(forecast, "such a fault", limit);
}

function takes({ traffic }: Forecast, fault: string, limit: Pick<HonestLimit, "seconds" | "leastSeconds">): string {
  return `at ${perSecond(traffic.rps)} and ${rateText(traffic.share)} ${fault} takes about ${about(limit.seconds)}, and whatever the method ${about(limit.leastSeconds)}: more requests help, by share or time`;
}

function assumptions({ assumed }: SimulatedStep, style: Style): readonly string[] {
  return labelled("taken", assumed.length === 0 ? [] : [`${assumed.join(" ")}, as nothing else was said`], style);
}

/** Seconds in which nobody would believe. */
function about(seconds: number): string {
  if (seconds < 60) return time(Math.max(1, seconds));
  const unit = seconds < 600 ? 10 : seconds < 7_200 ? 60 : 3_600;
  return time(Math.round(seconds / unit) * unit);
}

function perSecond(rps: number): string {
  return rps >= 1 ? `${formatCount(rps)} requests a second` : `${Number((rps * 60).toPrecision(2))} requests a minute`;
}

function sentence(text: string, style: Style): readonly string[] {
  return wrap(text, style.width).map((line) => paint(style, "strong", line));
}

function time(seconds: number): string {
  return formatDuration(Math.round(seconds) * SECOND);
}
