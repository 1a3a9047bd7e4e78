import type { Instant } from "../../core/time/time.ts";
import { Latencies } from "./latencies.ts";
import type { FailureSeen, LoadReport, LoadSecond, SecondOfVersion, VersionReport } from "../load-report.ts";
import type { Failure, Outcome } from "./outcome.ts";

const FAILURES_SHOWN = 20;

class Counts {
  requests = 0;
  appErrors = 0;
  failedRequests = 0;
  readonly latencies = new Latencies();

  add(outcome: Outcome): void {
    this.requests += 1;
    if (outcome.verdict === "app-error") this.appErrors += 1;
    else if (outcome.verdict !== "ok") this.failedRequests += 1;
    this.latencies.add(outcome.tookMs);
  }

  second(): SecondOfVersion {
    const { requests, appErrors, failedRequests, latencies } = this;
    return { requests, appErrors, failedRequests, p50Ms: latencies.quantile(0.5), p95Ms: latencies.quantile(0.95) };
  }
}

class VersionCounts extends Counts {
  firstSentAt: Instant = Number.POSITIVE_INFINITY;
  lastSentAt: Instant = 0;
  lastBegunAt: Instant = 0;
  readonly visitors = new Set<number>();
  /** All who came since its first answer, and how many these were at its last. */
  readonly cameSince = new Set<number>();
  cameUntilLast = 0;
}

type Counted = Pick<
  LoadReport,
  "requests" | "failedRequests" | "failures" | "firstFailures" | "appErrors" | "versions" | "visitors"
>;

/** Counts outcomes, in all, by second and by version. */
export class Tally {
  readonly #total = new Counts();
  readonly #versions = new Map<string, VersionCounts>();
  readonly #visitors = new Set<number>();
  readonly #failures: Partial<Record<Failure, number>> = {};
  readonly #firstFailures: FailureSeen[] = [];
  #begun = 0;
  #second = new Counts();
  #secondVersions = new Map<string, Counts>();

  /** A request goes out; answers its number. */
  begin(visitor: number): number {
    this.#begun += 1;
    this.#visitors.add(visitor);
    for (const version of this.#versions.values()) version.cameSince.add(visitor);
    return this.#begun;
  }

  /** Its one and only end. */
  end(outcome: Outcome): void {
    this.#total.add(outcome);
    this.#second.add(outcome);
    if (outcome.version !== undefined) this.#countVersion(outcome.version, outcome);
    if (outcome.verdict !== "ok" && outcome.verdict !== "app-error") this.#note(outcome.verdict, outcome, Date.now());
  }

  /** Something that had opened well was lost later: the request that opened it failed after all. */
  drop(failure: Failure, opened: Outcome, detail: string): void {
    this.#total.failedRequests += 1;
    this.#second.failedRequests += 1;
    const version = opened.version === undefined ? undefined : this.#versions.get(opened.version);
    if (version !== undefined) version.failedRequests += 1;
    this.#note(failure, { ...opened, detail }, Date.now());
  }

  get inFlight(): number {
    return this.#begun - this.#total.requests;
  }

  /** What ended since it was last asked. */
  takeSecond(): Pick<LoadSecond, "versions" | "requests" | "failedRequests" | "appErrors" | "inFlight" | "totals"> {
    const { requests, failedRequests, appErrors } = this.#second;
    const versions = Object.fromEntries(Array.from(this.#secondVersions, ([name, counts]) => [name, counts.second()]));
    this.#second = new Counts();
    this.#secondVersions = new Map();
    const total = this.#total;
    return {
      versions,
      requests,
      failedRequests,
      appErrors,
      inFlight: this.inFlight,
      totals: { requests: total.requests, failedRequests: total.failedRequests, appErrors: total.appErrors },
    };
  }

  result(): Counted {
    const { requests, failedRequests, appErrors } = this.#total;
    return {
      requests,
      failedRequests,
      failures: this.#failures,
      firstFailures: this.#firstFailures,
      appErrors,
      versions: Object.fromEntries(Array.from(this.#versions, ([name, counts]) => [name, versionReport(counts)])),
      visitors: this.#visitors.size,
    };
  }

  #countVersion(name: string, outcome: Outcome): void {
    const version = this.#versions.get(name) ?? new VersionCounts();
    this.#versions.set(name, version);
    version.add(outcome);
    version.firstSentAt = Math.min(version.firstSentAt, outcome.sentAt);
    version.lastSentAt = Math.max(version.lastSentAt, outcome.sentAt);
    version.lastBegunAt = Math.max(version.lastBegunAt, outcome.begunAt ?? 0);
    version.visitors.add(outcome.visitor);
    version.cameSince.add(outcome.visitor);
    version.cameUntilLast = version.cameSince.size;

    const second = this.#secondVersions.get(name) ?? new Counts();
    this.#secondVersions.set(name, second);
    second.add(outcome);
  }

  #note(failure: Failure, { number, what, version, detail }: Outcome, at: Instant): void {
    this.#failures[failure] = (this.#failures[failure] ?? 0) + 1;
    if (this.#firstFailures.length >= FAILURES_SHOWN) return;
    this.#firstFailures.push({
      number,
      what,
      failure,
      at,
      ...(version === undefined ? {} : { version }),
      ...(detail === undefined ? {} : { detail }),
    });
  }
}

function versionReport(counts: VersionCounts): VersionReport {
  const { firstSentAt, lastSentAt, lastBegunAt, visitors, cameUntilLast } = counts;
  return {
    ...counts.second(),
    firstSentAt,
    lastSentAt,
    lastBegunAt: lastBegunAt === 0 ? null : lastBegunAt,
    visitors: visitors.size,
    exposedPercent: Math.round((visitors.size / cameUntilLast) * 10_000) / 100,
  };
}
