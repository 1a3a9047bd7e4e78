import type { Duration, Instant } from "../time/time.ts";
import type { Source } from "./source.ts";

/** What Tidegate measures itself. The unit of its limits follows from the name. */
export type Metric =
  /** Share of requests that failed: 5xx, cut, timed out, not connected. 0 … 1. */
  | "errors"
  /** 1 − errors. Lower is worse. 0 … 1. */
  | "availability"
  /** Milliseconds from the request's first byte to the answer's last. */
  | "p50"
  | "p95"
  | "p99"
  /** Share of WebSockets that failed to open or were cut by the app. 0 … 1. */
  | "websockets"
  /** Of one core, 0 … 1 and above, mean over the version's instances. */
  | "cpu"
  /** Of the machine's memory (or the container's limit), 0 … 1, the version's worst instance. */
  | "memory"
  /** Crashes of the version's instances since the step began. A count. */
  | "restarts";

export type MetricUnit = "share" | "ms" | "count";

interface MetricFacts {
  readonly unit: MetricUnit;
  readonly worse: "higher" | "lower";
  readonly label: string;
}

export const METRICS: Readonly<Record<Metric, MetricFacts>> = {
  errors: { unit: "share", worse: "higher", label: "errors" },
  availability: { unit: "share", worse: "lower", label: "availability" },
  p50: { unit: "ms", worse: "higher", label: "p50" },
  p95: { unit: "ms", worse: "higher", label: "p95" },
  p99: { unit: "ms", worse: "higher", label: "p99" },
  websockets: { unit: "share", worse: "higher", label: "WebSocket failures" },
  cpu: { unit: "share", worse: "higher", label: "CPU" },
  memory: { unit: "share", worse: "higher", label: "memory" },
  restarts: { unit: "count", worse: "higher", label: "restarts" },
};

/** Of the latencies: the part of the answers that is faster. */
export const LATENCIES = { p50: 0.5, p95: 0.95, p99: 0.99 } as const;
/** The same, to ask of any metric. */
export const QUANTILES: Readonly<Partial<Record<string, number>>> = { ...LATENCIES };

/** What is measured, and where its figure comes from. */
export type Measured = Pick<Guard, "metric" | "source">;

/** In which unit it is told, and which way is worse. A figure from outside is told as its source says. */
export function factsOf({
  metric,
  source,
}: Measured): Omit<MetricFacts, "unit"> & { readonly unit: MetricUnit | "own" } {
  return source === undefined
    ? METRICS[metric as Metric]
    : { unit: "own", worse: source.worse, label: labelOf(metric) };
}

/** Figures of the processes, which are there without any traffic. */
export function isOfProcesses(metric: string): boolean {
  return metric === "cpu" || metric === "memory" || metric === "restarts";
}

/** Figures of requests, as the data plane counts them. */
export function isOfRequests({ metric, source }: Measured): boolean {
  return source === undefined && !isOfProcesses(metric);
}

/** As people read it. */
function labelOf(metric: string): string {
  return Object.hasOwn(METRICS, metric) ? METRICS[metric as Metric].label : metric;
}

export type Limit =
  /** In the metric's own unit, tested with every second's evidence. `restarts: 0` means: more than none is too many. */
  | { readonly kind: "absolute"; readonly value: number }
  /** The same over the guard's window: what people mean by `"> 1%"`. */
  | { readonly kind: "plain"; readonly value: number }
  /** Against stable in the same seconds: odds of a rate, a divisor of a latency. Below 1 lower is worse. */
  | { readonly kind: "relative"; readonly factor: number }
  /**
   * The same against stable at another time, as an absolute limit, by what was measured then: before the candidate got all traffic,
   * or in the same hours so many `days` before.
   */
  | { readonly kind: "before"; readonly factor: number; readonly days?: DaysBefore }
  /** Of memory: how much more of it an hour, as a part of what is used. */
  | { readonly kind: "growth"; readonly value: number };

/** Times of 24 hours: clocks that are put forward or back change nothing about it. */
export type DaysBefore = 1 | 7;

export type GuardLevel = "warn" | "hold" | "rollback";

/** The worst first. */
export const GUARD_LEVELS: readonly GuardLevel[] = ["rollback", "hold", "warn"];

/** The requests that a feature is made of: all that is said must be so. */
export interface RequestFilter {
  readonly method?: string;
  /** By whole segments: `/api` is `/api`, `/api/x` and `/api?x`, not `/apix`. */
  readonly path?: string;
  readonly header?: { readonly name: string; readonly value: string };
}

export interface Guard {
  /** One of Tidegate's own, or with a source what the plan calls its figure: `carts`. */
  readonly metric: string;
  /** Where its figure comes from. Absent: Tidegate measures it. */
  readonly source?: Source;
  /** The part of the app that it is about, by its name: the requests that `only` lets through. Absent: all of them. */
  readonly feature?: string;
  readonly only?: RequestFilter;
  /** Several limits of one level must all be broken (`[1%, 1.5x]`). */
  readonly limits: Readonly<Partial<Record<GuardLevel, readonly Limit[]>>>;
  /** Its part of the release's evidence by comparison, 0 … 1; all metrics of the plan together 1. Absent: none. */
  readonly weight?: number;
  /** A rate, 0 … 1, below which the candidate must be shown to be before a step passes. Absent: its limit, else 1 %. */
  readonly promote?: number;
  /**
   * The objective of a service that is to last for months, in the metric's own unit; of a latency, what its part of the answers must
   * be within. Judged by how fast its budget burns once the candidate has all traffic.
   */
  readonly slo?: number;
  /** Of plain limits, like the seven that follow. */
  readonly windowMs: Duration;
  /** Requests of the candidate in the window below which it says `inconclusive` (none at all: `no-data`). */
  readonly minRequests: number;
  /** Bad events below which a rate is never broken: one error in a hundred requests is not 1 %. */
  readonly minEvents: number;
  /** Broken looks in a row, one a second, before it speaks. */
  readonly breaches: number;
  /** Broken looks in the whole step, in a row or not, with which it speaks too and goes on to. Absent: however many. */
  readonly failures?: number;
  /** Looks in a row that could not tell, with which that is what the step's `unclear` is for. Absent: its time decides. */
  readonly inconclusive?: number;
  /** Looks in a row without a source to read, with which the step holds. Absent: its time decides. */
  readonly sourceErrors?: number;
  /** Good looks in a row before it passes. Absent: one. */
  readonly successes?: number;
  /** Watched time from the step's beginning in which it is not looked at. What happens then counts for nothing, and it can't pass. */
  readonly delayMs?: Duration;
  /** Names of the receivers that are to hear of it: of a warning nobody else does. Absent: whoever hears of everything. */
  readonly to?: readonly string[];
  /** Judged and told, and never acted on: it puts nothing back, holds nothing, keeps no step from passing. It has no weight. */
  readonly dryRun?: true;
}

export type VerdictKind = "pass" | "fail" | "inconclusive" | "no-data" | "source-down";

/** What a guard says at one look. `fail` carries the worst level whose limits are broken. */
export interface Verdict {
  readonly metric: string;
  readonly feature?: string;
  readonly verdict: VerdictKind;
  readonly level?: GuardLevel;
  /** Of a guard that is only tried out: nothing follows from it. */
  readonly dryRun?: true;
  /** So many looks in a row could not tell that the plan waits for no more of them. */
  readonly isOverdue?: true;
  /** It is looked at in so long only: until then nothing may be made of its silence. */
  readonly notBeforeMs?: Duration;
  /** One sentence with its figures (I10): "p95 +38% against stable, limit +20%, n = 4 112". */
  readonly sentence: string;
  readonly figures: Figures;
}

/** What a guard and its verdict are known by in a plan, its evidence and its journal: `errors`, `errors:checkout`. */
export type GuardId = string;

/** The same for a guard and its verdicts. */
export function guardId({ metric, feature }: Pick<Guard, "metric" | "feature">): GuardId {
  return feature === undefined ? metric : `${metric}:${feature}`;
}

/** As people read it: `errors`, `errors of checkout`. */
export function guardLabel({ metric, feature }: Pick<Guard, "metric" | "feature">): string {
  return feature === undefined ? labelOf(metric) : `${labelOf(metric)} of ${feature}`;
}

/** What its verdict says of it. */
export function namedAs({ metric, feature }: Pick<Guard, "metric" | "feature">): Pick<Verdict, "metric" | "feature"> {
  return feature === undefined ? { metric } : { metric, feature };
}

/** Whether something follows from it: not of a guard, or its verdict, that is only tried out. */
export function isActedOn({ dryRun }: Pick<Guard, "dryRun">): boolean {
  return dryRun !== true;
}

/** null: not known. Shares are 0 … 1, latencies milliseconds. */
export interface Figures {
  readonly candidate: number | null;
  readonly stable: number | null;
  readonly limit: number | null;
  /** Requests (or samples) of the candidate and of stable behind the figures. */
  readonly n: number;
  readonly nStable: number;
  /** Bad events among n, for rates. */
  readonly k?: number;
  readonly kStable?: number;
  /** What the evidence against the candidate has come to; it acts at 1/α. Absent: by plain limits. */
  readonly evidence?: number;
  /** The figures of stable are those of its twin. Absent: of stable itself. */
  readonly isTwin?: true;
  /** Stable's figures are of this time. Absent: of the same seconds. */
  readonly before?: {
    readonly from: Instant;
    readonly to: Instant;
    /** The same hours so many days before. Absent: before the candidate got all traffic. */
    readonly days?: DaysBefore;
    /** Of a rate of `days` before: its upper bound, of which the limit was made. */
    readonly atMost?: number;
  };
  /** What was looked at: at the beginning of a step less than the guard's own window. */
  readonly windowMs: Duration;
}
