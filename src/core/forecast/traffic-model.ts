import type { LATENCIES } from "../plan/guard.ts";
import type { ComparedShare } from "./besides.ts";
import type { CountedSecond } from "../analysis/evidence/counted-second.ts";

/** Traffic that is made up: what a step would see. */
export interface TrafficModel extends ComparedShare {
  /** Requests a second, all versions together. */
  readonly rps: number;
  /** Parts of the requests that fail, 0 … 1. */
  readonly stableErrors: number;
  readonly candidateErrors: number;
  readonly latency: LatencyModel | null;
  /** Trouble that hits both versions at once. */
  readonly bursts: BurstModel | null;
  /** Times in which both are busier and slower. */
  readonly load: LoadModel | null;
  /** null: every request comes from somebody else. */
  readonly visitors: VisitorModel | null;
}

/** Log-normal. */
export interface LatencyModel {
  readonly stableP95Ms: number;
  /** Standard deviation of the logarithm; 0.6: p99 is 1.5 times p95. */
  readonly spread: number;
  /** 1.3: every request of the candidate takes 30 % longer. */
  readonly candidateSlower: number;
  /** So many times as long as stable the candidate may take, or 25 ms longer. */
  readonly tolerance: number;
}

/** Spells in which a part of all requests fails, whatever serves them. */
export interface BurstModel {
  /** Mean time from one to the next, and how long one lasts. */
  readonly everySeconds: number;
  readonly lastsSeconds: number;
  /** The part of all requests that fails meanwhile, 0 … 1. */
  readonly errors: number;
}

/** As when a database that both use is under load. */
export interface LoadModel {
  readonly everySeconds: number;
  readonly lastsSeconds: number;
  /** How many times as long everything takes meanwhile, and as much is asked. */
  readonly slower: number;
  readonly busier: number;
}

/** All guards that it is counted for. */
export type ForecastGuard = "errors" | keyof typeof LATENCIES;

/** A second of it, by guard; with whom the candidate has served so far, where visitors are told apart. */
export interface ModelSecond {
  readonly counted: Readonly<Partial<Record<ForecastGuard, CountedSecond>>>;
  readonly visitors: number | null;
  readonly failing: Readonly<Partial<Record<ForecastGuard, number>>>;
  /** By how much groups of stable's visitors differed before this second: 1/max(1, dispersion), as the data plane's groups say it. */
  readonly temperings: Readonly<Partial<Record<ForecastGuard, number>>>;
  /** ln of what visitors' own speeds say, in a second in which they are asked for. */
  readonly speedEvidence: number | null;
}

/** Visitors, each of whom stays with one version. */
export interface VisitorModel {
  readonly count: number;
  /** Standard deviation of the logarithm of how much each asks for; 0: all the same, 1: some a hundred times more than others. */
  readonly activity: number;
  /** The part that asks for a hundred times as much as others: crawlers, monitors, scripts. */
  readonly bots: number;
  /** The part whose every request fails, whatever serves them: broken clients. */
  readonly failing: number;
  /** The part that waits ten times as long as others, whatever serves them. */
  readonly slow: number;
  /** Standard deviation of the logarithm of how slow each is by nature: devices, accounts of different sizes. */
  readonly speed: number;
  /** A visitor's failure counts once in so many seconds; 0: each request counts. */
  readonly countOnceSeconds: number;
  /**
   * How long each has been watched before the share was given, so that their own speed is known; 0: nobody is known. null: nobody
   * asks for speeds of their own.
   */
  readonly knownSeconds: number | null;
}

/** The part that fails by one or the other. */
export function either(one: number, other: number): number {
  return one + other - one * other;
}
