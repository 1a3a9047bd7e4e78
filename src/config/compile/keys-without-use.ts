import {
  factsOf,
  type Guard,
  guardId,
  guardLabel,
  isOfProcesses,
  isOfRequests,
  type Limit,
  QUANTILES,
} from "../../core/plan/guard.ts";
import { formatPercent } from "../../core/analysis/figures.ts";
import type { PathProblem } from "../reading/problem.ts";
import { type Scope, writtenIn } from "./entries.ts";

const OF_PLAIN = [
  "window",
  "minRequests",
  "minEvents",
  "breaches",
  "failures",
  "inconclusive",
  "sourceErrors",
  "successes",
] as const;

/** Keys that would change nothing: those of plain limits where there is none, and what a metric can't have. */
export function keysWithoutUse(scopes: readonly Scope[], guards: readonly Guard[]): readonly PathProblem[] {
  return scopes
    .flatMap(writtenIn)
    .flatMap((entry) => [
      ...ofPlain(entry, guards),
      ...promoteOfNoRate(entry),
      ...sourceErrors(entry),
      ...compare(entry, guards),
    ]);
}

type Written = ReturnType<typeof writtenIn>[number];

function ofPlain(entry: Written, guards: readonly Guard[]): readonly PathProblem[] {
  if (isPlain(entry, guards)) return [];
  const like = factsOf(entry).unit === "ms" ? "1s" : "1%";
  return OF_PLAIN.filter((key) => entry.mine[key] !== undefined).map((key) => ({
    ...at(entry, key),
    what: `\`${key}\` is for limits over a window, and ${guardLabel(entry)} has none.`,
    fix: `Write the limit as \`"> ${like}"\`, or remove \`${key}\`.`,
  }));
}

function promoteOfNoRate(entry: Written): readonly PathProblem[] {
  const { promote } = entry.mine;
  if (promote === undefined) return [];
  if (!isOfRequests(entry) || QUANTILES[entry.metric] !== undefined) {
    const what = `\`promote\` is a rate, and ${guardLabel(entry)} is none.`;
    return [{ ...at(entry, "promote"), what, fix: "Remove it." }];
  }
  if (promote > 0 && promote < 1) return [];
  const what = `A rate of ${formatPercent(promote)} can't be excluded.`;
  const fix = "Write more than 0% and less than 100%: `1%` takes some 360 good requests.";
  return [{ ...at(entry, "promote"), what, fix }];
}

function sourceErrors(entry: Written): readonly PathProblem[] {
  if (entry.mine.sourceErrors === undefined || !isOfProcesses(entry.metric)) return [];
  const what = `\`sourceErrors\` is for figures of the data plane, and ${guardLabel(entry)} is known of the processes themselves.`;
  return [{ ...at(entry, "sourceErrors"), what, fix: "Remove it." }];
}

/** Where no `1.5x` is left to be held against that day. */
function compare(entry: Written, guards: readonly Guard[]): readonly PathProblem[] {
  const { metric, mine } = entry;
  if (mine.compare === undefined) return [];
  if (isOfProcesses(metric) || metric === "availability") {
    const what = `\`compare\` is for errors, latencies and WebSockets, and ${guardLabel(entry)} is none of them.`;
    const fix = metric === "availability" ? "Write it for `errors`, or remove it." : "Remove it.";
    return [{ ...at(entry, "compare"), what, fix }];
  }
  const days = mine.compare === "day-before" ? 1 : 7;
  const isHeld = guards.some(
    (guard) =>
      guardId(guard) === guardId(entry) && limitsOf(guard).some((one) => one.kind === "before" && one.days === days),
  );
  if (mine.compare === "stable" || isHeld) return [];
  const what = `\`compare\` says what a limit like \`1.5x\` is held against, and ${guardLabel(entry)} has none that is held against the ${mine.compare === "day-before" ? "day" : "week"} before.`;
  return [
    { ...at(entry, "compare"), what, fix: "Write such a limit beside it, `rollback: 1.5x`, or remove `compare`." },
  ];
}

function limitsOf({ limits }: Guard): readonly Limit[] {
  return Object.values(limits).flat();
}

function at({ path }: Written, key: string): Pick<PathProblem, "code" | "path" | "on"> {
  return { code: "plan-value-invalid", path: [...path, key], on: "key" };
}

/** Of what only warns nothing is shown, so it asks for a number of requests as a window does. */
function isPlain(entry: Pick<Guard, "metric" | "feature" | "source">, guards: readonly Guard[]): boolean {
  const { metric, feature } = entry;
  if (!isOfRequests(entry) || metric === "availability") return true;
  return guards.some(
    ({ metric: mine, feature: part, limits }) =>
      mine === metric &&
      part === feature &&
      (Object.values(limits).some((list) => list.some(({ kind }) => kind === "plain")) ||
        (Object.keys(limits).length > 0 && Object.keys(limits).every((level) => level === "warn"))),
  );
}
