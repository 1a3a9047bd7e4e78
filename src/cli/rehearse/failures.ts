import { formatCount } from "../../core/analysis/figures.ts";
import { NO_REQUESTS, requestsBetween } from "../../core/rehearsal/rehearsal.ts";
import type { Status } from "../../core/status/status.ts";
import type { RunningRehearsal } from "./running-rehearsal.ts";
import type { PartLog, RunLog } from "./run-log.ts";

/** Which version it was that failed, as the data plane counts. */
export function noteFigures(figures: Map<string, string>, { versions }: Pick<Status, "versions">): void {
  for (const { label, requests, errorRate } of versions ?? [])
    if (errorRate !== null && errorRate > 0)
      figures.set(label, `${label}: ${(errorRate * 100).toFixed(1)}% of ${formatCount(requests)} requests failed`);
}

/** No answer is a failed rehearsal; 5xx is one where the version that serves had none while it was alone. */
export function refuseFailures({ visitors, figures }: RunningRehearsal, log: RunLog, part: PartLog): void {
  if (visitors === null) return;
  const all = visitors.count();
  const alone = log.parts.find(({ name }) => name === "stable")?.requests ?? NO_REQUESTS;
  const since = requestsBetween(alone, all);
  if (all.failed > 0)
    part.fail("requests", {
      code: "rehearsal-requests-failed",
      what: `${formatCount(all.failed)} of ${formatCount(all.sent)} requests got no answer of the app's.`,
      detail: visitors.failures(),
      fix: SEE_LOGS,
    });
  if (since.appErrors > 0 && alone.appErrors === 0)
    part.fail("requests", {
      code: "rehearsal-errors",
      what: `${formatCount(since.appErrors)} of ${formatCount(since.sent)} requests were answered with 5xx, and none while the old version served alone.`,
      detail: [...figures.values(), ...visitors.failures()],
      fix: SEE_LOGS,
    });
}

const SEE_LOGS =
  "see what the version's logs say: tidegate rehearse --keep leaves those of processes, and tidegate doctor says where";
