import { type Evidence, failuresOf, routesByExcess } from "../../core/diagnosis/evidence.ts";
import { FaultError } from "../../core/fault.ts";
import { newKindsOfLines } from "../../core/diagnosis/log-kinds.ts";
import type { InstanceSeen } from "../../core/observation.ts";
import { onOneLine } from "../../core/text/plain-text.ts";
import { type Duration, formatDuration, SECOND } from "../../core/time/time.ts";
import type { Clock } from "../../ports/clock.ts";
import type { EvidenceGatherer } from "../../ports/evidence.ts";
import type { Runtime } from "../../ports/runtime.ts";

export interface EvidenceSources {
  readonly runtime: Pick<Runtime, "instances" | "log" | "commits">;
  readonly clock: Clock;
  /** Hides secrets in what apps wrote. */
  readonly redact: (text: string) => string;
  /** Lines read of each instance. */
  readonly logLines?: number;
  /** For each question to the runtime. */
  readonly timeoutMs?: Duration;
}

const MOST_COMMITS = 50;

/** Evidence from the runtime's logs and history, beside what the data plane saw. */
export function createEvidenceGatherer({
  runtime,
  clock,
  redact,
  logLines = 4_000,
  timeoutMs = 5 * SECOND,
}: EvidenceSources): EvidenceGatherer {
  return {
    async gather({ candidate, stable, rows }) {
      const missing: string[] = [];
      const ask = <T>(question: Promise<T>, otherwise: T, what: string): Promise<T> =>
        within(question, timeoutMs, clock).catch((error: unknown) => {
          missing.push(`${what}: ${reasonOf(error)}.`);
          return otherwise;
        });
      const commitsAsked =
        stable === null ? [] : ask(runtime.commits(stable, candidate), [], "The commits between could not be read");
      const instances = await ask<readonly InstanceSeen[]>(
        runtime.instances(),
        [],
        "The instances could not be listed",
      );
      const logs = (version: string | null): Promise<(readonly string[])[]> =>
        Promise.all(
          instances
            .filter((instance) => instance.version === version && !instance.adopted)
            .map(({ id }) => ask(runtime.log(id, logLines), [], `The log of ${id} could not be read`)),
        );
      const [ours, theirs, commits] = await Promise.all([logs(candidate), logs(stable), commitsAsked]);
      const adopted = instances.find((instance) => instance.version === stable && instance.adopted);
      if (adopted !== undefined) {
        missing.push(`${adopted.id} was taken over, so its log is not known: new lines are compared with nothing.`);
      }
      const evidence: Evidence = {
        routes: routesByExcess(rows, candidate, stable).map((route) => ({ ...route, route: redact(route.route) })),
        ...failuresOf(rows, candidate),
        lines: newKindsOfLines(
          ours.map((lines) => lines.map(redact)),
          theirs.map((lines) => lines.map(redact)),
          namesOf([candidate, stable ?? ""]),
        ),
        commits: commits.slice(0, MOST_COMMITS).map((subject) => onOneLine(redact(subject))),
        missing,
      };
      return evidence;
    },
  };
}

/** What the two versions' lines and paths may hold that differs by nothing but the version. */
function namesOf(versions: readonly string[]): readonly string[] {
  return [
    ...versions,
    ...versions.filter((version) => version.length > 12).map((version) => version.slice(0, 7)),
    "blue",
    "green",
    "twin",
  ].filter((name) => name !== "");
}

async function within<T>(question: Promise<T>, timeoutMs: Duration, clock: Clock): Promise<T> {
  const over = new AbortController();
  const late = clock.sleep(timeoutMs, over.signal).then(() => {
    throw new Error(`no answer within ${formatDuration(timeoutMs)}`);
  });
  try {
    return await Promise.race([question, late]);
  } finally {
    over.abort();
    late.catch(() => undefined);
  }
}

function reasonOf(error: unknown): string {
  const words = error instanceof FaultError ? error.fault.what : error instanceof Error ? error.message : String(error);
  return words.replace(/\.$/, "");
}
