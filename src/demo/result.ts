import type { Fault } from "../core/fault.ts";
import type { Status } from "../core/status/status.ts";
import type { Instant } from "../core/time/time.ts";
import type { LoadReport } from "./load-report.ts";
import type { Breakage, Ending } from "./show/scene.ts";

/** What was seen, from which the result follows. */
export interface Played {
  readonly good: Showing;
  readonly bad: Showing;
  /** null: the load process left none. */
  readonly report: LoadReport | null;
  /** What went wrong beside the releases and the load, one sentence each. */
  readonly troubles: readonly string[];
}

/** One release as it came out. */
export interface Showing {
  readonly ending: Ending;
  /** The last that is known of it. */
  readonly status: Status | null;
  /** Why Tidegate gave up, when it said so. */
  readonly fault: Fault | null;
  /** By keys. */
  readonly broken: readonly Breakage[];
  /** The time in which it crashed because of a key; null: never. */
  readonly crashes: { readonly from: Instant; readonly until: Instant } | null;
}

/** The last line of `--json`. null is what could not be measured; then there is a problem that says why. */
export interface DemoResult {
  readonly type: "demo-finished";
  readonly good: Ending;
  readonly bad: Ending;
  readonly requests: number | null;
  readonly failedRequests: number | null;
  readonly appErrors: number | null;
  readonly lostOrders: number | null;
  /** From the decision to the last request that the bad version began with. */
  readonly rollbackMs: number | null;
  /** Of the visitors who came while it had customers. */
  readonly exposedPercent: number | null;
}

const BAD = "v3";

export function resultOf({ good, bad, report }: Played): DemoResult {
  return {
    type: "demo-finished",
    good: good.ending,
    bad: bad.ending,
    requests: report?.requests ?? null,
    failedRequests: report?.failedRequests ?? null,
    appErrors: report?.appErrors ?? null,
    lostOrders: report?.orders.lost ?? null,
    rollbackMs: rollbackMs(bad, report),
    // A version that answered nobody was seen by nobody.
    exposedPercent: report === null ? null : (report.versions[BAD]?.exposedPercent ?? 0),
  };
}

/** 0 when the last one had begun before the decision already. */
function rollbackMs({ status }: Showing, report: LoadReport | null): number | null {
  const decidedAt = status?.rollback?.decidedAtMs;
  const lastBegunAt = report?.versions[BAD]?.lastBegunAt ?? null;
  if (decidedAt === undefined || lastBegunAt === null) return null;
  return Math.max(0, Math.round(lastBegunAt - decidedAt));
}

/** `put back`, as people say it. */
export function inWords(ending: Ending): string {
  switch (ending) {
    case "promoted":
    case "held":
      return ending;
    case "rolled-back":
      return "put back";
    case "failed":
      return "left to a person";
    case "not-released":
      return "never released";
  }
}
