import type { Because } from "../../../src/core/release/event.ts";
import type { Plan } from "../../../src/core/plan/plan.ts";
import type { Step } from "../../../src/core/plan/step.ts";
import type { Verdict } from "../../../src/core/plan/guard.ts";
import { isActedOn, isOfProcesses } from "../../../src/core/plan/guard.ts";
import type { SecondRow } from "../../../src/core/observation.ts";
import { SECOND } from "../../../src/core/time/time.ts";
import { WHOLE } from "../../../src/core/traffic/share.ts";
import { type Ledger, readInto } from "./ledger.ts";
import type { Rule } from "./rule.ts";

/** What a process appends so soon after it has woken it had decided, and begun to append, before it slept. */
const WAKING_MS = 1_000;

/** Not even the best evidence shows anything with fewer requests of the candidate. */
const FEWEST = 5;
const LONGEST_STEP_SECONDS = 300;

/** The longest window within which an instance must have been seen ready, and what a slow look may take. */
const TWIN_SEEN_MS = 10 * SECOND;

/** I4, by the rows that the acting engine really got. */
export const evidence: Rule = {
  name: "I4",
  sentence: "Missing data is never a pass, and never a silent fail",
  begin: (broken) => {
    const ledger: Ledger = new Map();
    let counted: SecondRow[] = [];
    /** By release and metric: warned of, which passes whatever the figures are. */
    const warned = new Set<string>();

    /** Instances of a twin, and when one of them was last seen ready. */
    const twins = new Set<string>();
    let twinSeenAt = Number.NEGATIVE_INFINITY;

    /** When each engine was stopped last, and when it went on. */
    const slept = new Map<number, { readonly from: number; readonly to: number }>();

    /** When that was decided which an engine appends now: its process may have been stopped in between. */
    const decidedAt = ({ by, at }: { readonly by: number; readonly at: number }): number => {
      const sleep = slept.get(by);
      return sleep !== undefined && at >= sleep.to && at - sleep.to <= WAKING_MS ? sleep.from : at;
    };

    const sum = (version: string, fromSecond: number, toSecond: number): { n: number; bad: number } => {
      let n = 0;
      let bad = 0;
      for (const row of counted) {
        if (row.version !== version || row.second < fromSecond || row.second > toSecond) continue;
        n += row.requests;
        bad += row.status.server + row.status.failed;
      }
      return { n, bad };
    };

    const isSupported = ({ figures, metric }: Verdict, version: string, from: number, at: number): boolean => {
      if (isOfProcesses(metric)) return true;
      // Looked at up to some seconds ago, over a window that ended some seconds before that.
      const since = Math.floor(from / SECOND) - figures.windowMs / SECOND - 15;
      const { n, bad } = sum(version, since, Math.floor(at / SECOND));
      return n >= figures.n && (figures.k === undefined || bad >= figures.k);
    };

    return (fact) => {
      readInto(ledger, fact);
      if (fact.kind === "instance" && fact.slot === "twin") twins.add(fact.id);
      if (fact.kind === "probed" && fact.ok && twins.has(fact.instance)) twinSeenAt = fact.at;
      if (fact.kind === "process" && fact.what === "stopped")
        slept.set(fact.by, { from: fact.at, to: Number.POSITIVE_INFINITY });
      if (fact.kind === "process" && fact.what === "resumed")
        slept.set(fact.by, { from: slept.get(fact.by)?.from ?? fact.at, to: fact.at });
      // By the time that never jumps: the seconds of one batch end where it was counted.
      if (fact.kind === "counted") {
        const behind = Math.floor(fact.at / SECOND) - 1 - Math.max(...fact.rows.map(({ second }) => second));
        counted = [...counted, ...fact.rows.map((row) => ({ ...row, second: row.second + behind }))].slice(-400);
      }
      if (fact.kind !== "appended") return;
      const entry = ledger.get(fact.release);
      if (entry === undefined) return;
      const { candidate, stable, plan } = entry.planned;
      // What went before the journal was decided when the figures were fresh.
      const isLate = fact.events.some(({ event }) => event.type === "emergency-noted-late");
      for (const { event } of fact.events) {
        if (event.type === "verdict-changed") {
          const key = `${fact.release}/${event.verdict.metric}`;
          if (event.verdict.verdict === "fail" && event.verdict.level === "warn") warned.add(key);
          else warned.delete(key);
        }
        if (event.type === "step-passed" && event.because.kind === "guard") {
          const step = plan.steps.find(({ id }) => id === event.step);
          const awayMs = decidedAt(fact) - twinSeenAt;
          if (plan.twin === true && stable !== null && isComparedPart(step) && awayMs > TWIN_SEEN_MS)
            broken(
              `Release ${fact.release}: "${event.step}" passed, and its twin was last seen ready ${awayMs} ms before.`,
            );
          for (const guard of step?.guards ?? []) {
            if (
              !isActedOn(guard) ||
              isOfProcesses(guard.metric) ||
              stable === null ||
              warned.has(`${fact.release}/${guard.metric}`)
            )
              continue;
            // The first judge looks over its window, the second at the whole step.
            const span = plan.judge === 1 ? Math.ceil(guard.windowMs / SECOND) : LONGEST_STEP_SECONDS;
            const since = Math.floor(decidedAt(fact) / SECOND) - span - 15;
            const { n } = sum(candidate.version, since, Math.floor(fact.at / SECOND));
            const needed = plan.judge === 1 ? guard.minRequests : FEWEST;
            if (n < needed)
              broken(
                `Release ${fact.release}: "${event.step}" passed on ${n} requests, where ${guard.metric} needs ${needed}.`,
              );
          }
        }
        // What the plan itself says of a share that has shown too little.
        if (event.type === "stepped-back" && isUnclear(plan, event.from, event.because)) continue;
        const decided =
          event.type === "step-failed" || event.type === "rollback-decided" || event.type === "stepped-back"
            ? event.because
            : null;
        if (decided?.kind === "no-data") broken(`Release ${fact.release}: ${event.type} for want of data.`);
        if (decided?.verdict === undefined) continue;
        if (!isActedOn(decided.verdict)) broken(`Release ${fact.release}: ${event.type} on a dry run.`);
        if (decided.verdict.verdict !== "fail")
          broken(`Release ${fact.release}: ${event.type} on the verdict "${decided.verdict.verdict}".`);
        if (decided.verdict.figures.n === 0 && !isOfProcesses(decided.verdict.metric))
          broken(`Release ${fact.release}: ${event.type} on no requests at all: ${decided.verdict.sentence}`);
        if (!isLate && !isSupported(decided.verdict, candidate.version, decidedAt(fact), fact.at))
          broken(`Release ${fact.release}: ${event.type} on figures that nobody counted: ${decided.verdict.sentence}`);
      }
    };
  },
};

/** A share beside which something is compared by a limit that does more than warn. */
function isComparedPart(step: Step | undefined): boolean {
  if (step?.kind !== "shift" || step.share === WHOLE) return false;
  return step.guards.some(
    (guard) =>
      isActedOn(guard) &&
      [...(guard.limits.rollback ?? []), ...(guard.limits.hold ?? [])].some(({ kind }) => kind === "relative"),
  );
}

function isUnclear({ steps }: Plan, id: string, { verdict }: Because): boolean {
  const step = steps.find((one) => one.id === id);
  return step?.kind === "shift" && step.unclear === "step-back" && verdict?.verdict === "inconclusive";
}
