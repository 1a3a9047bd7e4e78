import { formatCount } from "../../core/analysis/figures.ts";
import { NO_REQUESTS, type RehearsedVersion, requestsBetween } from "../../core/rehearsal/rehearsal.ts";
import type { VersionCount } from "./counted-by-version.ts";
import type { RunningRehearsal } from "./running-rehearsal.ts";
import type { PartLog, RunLog } from "./run-log.ts";

/** No answer is a failed rehearsal; 5xx is one where the version that serves had none while it was alone. */
export async function refuseFailures(running: RunningRehearsal, log: RunLog, part: PartLog): Promise<void> {
  const { visitors } = running;
  if (visitors === null) return;
  const all = visitors.count();
  const alone = log.parts.find(({ name }) => name === "stable")?.requests ?? NO_REQUESTS;
  const since = requestsBetween(alone, all);
  if (all.failed > 0) {
    const failing = await failingOf(running, ({ failed }) => failed, all.failed);
    part.fail("requests", {
      code: "rehearsal-requests-failed",
      what: `${formatCount(all.failed)} of ${formatCount(all.sent)} requests got no answer of the app's.${cameFrom(failing)}`,
      detail: visitors.failures(),
      fix: seeLogs(failing),
    });
  }
  if (since.appErrors > 0 && alone.appErrors === 0) {
    const failing = await failingOf(running, ({ errors }) => errors, since.appErrors);
    part.fail("requests", {
      code: "rehearsal-errors",
      what: `${formatCount(since.appErrors)} of ${formatCount(since.sent)} requests were answered with 5xx, and none while the old version served alone.${cameFrom(failing)}`,
      detail: visitors.failures(),
      fix: seeLogs(failing),
    });
  }
}

/** A version whose requests failed. */
interface Failing {
  readonly label: string;
  readonly isNew: boolean;
  readonly requests: number;
  readonly bad: number;
}

/** Which versions they were, as the data plane counts; none: it does not know, or the requests came as far as none. */
async function failingOf(
  { counted, versions: { stable, candidate } }: Pick<RunningRehearsal, "counted" | "versions">,
  badOf: (count: VersionCount) => number,
  all: number,
): Promise<readonly Failing[]> {
  const counts = await counted.whole((seen) => [...seen.values()].reduce((sum, each) => sum + badOf(each), 0) >= all);
  const named = ({ version, label }: RehearsedVersion, isNew: boolean): readonly Failing[] => {
    const count = counts.get(version);
    const bad = count === undefined ? 0 : badOf(count);
    return count === undefined || bad === 0 ? [] : [{ label, isNew, requests: count.requests, bad }];
  };
  const isSame = stable?.version === candidate.version;
  return [...(stable === null || isSame ? [] : named(stable, false)), ...named(candidate, true)];
}

function cameFrom(failing: readonly Failing[]): string {
  const words = failing.map(
    ({ label, isNew, requests, bad }) =>
      `${label} (the ${isNew ? "new" : "old"} version, ${formatCount(bad)} of its ${formatCount(requests)} requests)`,
  );
  return words.length === 0 ? "" : ` They went to ${words.join(" and ")}.`;
}

function seeLogs(failing: readonly Failing[]): string {
  const whose =
    failing.length === 0 ? "the version's logs" : `the logs of ${failing.map(({ label }) => label).join(" and ")}`;
  return `see what ${whose} say: tidegate rehearse --keep leaves those of processes, and tidegate doctor says where`;
}
