import { FaultError } from "../../core/fault.ts";
import { NO_REQUESTS, requestsBetween } from "../../core/rehearsal/rehearsal.ts";
import { startingPlan } from "../../core/rehearsal/rehearsed-plan.ts";
import { openActing } from "../session.ts";
import { answersAlone, released } from "./released.ts";
import { refuseFailures } from "./failures.ts";
import type { Findings, RunningRehearsal } from "./running-rehearsal.ts";
import type { RunLog } from "./run-log.ts";

/** Everything is gone but a backup: how long until the old version serves again, on the database as it was. */
export async function recover(running: RunningRehearsal, log: RunLog, findings: Findings): Promise<void> {
  const { production, copies, sandbox, context, versions, plan, visitors, identity, signal } = running;
  const { stable } = versions;
  const { database } = plan;
  if (copies === null || database === undefined || production.backups === null || stable === null) return;
  const own = await context.machinery.backups({ database, folder: production.project.folder, plan, env: context.env });
  const made = (await own.list()).at(-1) ?? null;
  const from = findings.database?.from;
  const kept = from?.kind === "backup" ? from.id : null;
  if (made === null && kept === null) {
    findings.leftOut.push({
      what: "the full recovery",
      why: "there is no backup, and the plan makes none: a step `backup: restore` does",
    });
    return;
  }
  await log.part("recovery", async (part) => {
    await visitors?.pause();
    await context.machinery.stopEverything(sandbox.project.state);
    const startedAt = performance.now();
    const asked = { identity, by: context.person, withoutOwners: false, signal, tell: () => undefined };
    const restored = await part.step(`restored backup ${made?.id ?? kept ?? ""}`, () =>
      made !== null
        ? own.restore({ ...asked, backup: made.id, into: null })
        : mustBe(production.backups).restore({ ...asked, backup: kept ?? "", into: copies.nameOf(sandbox.id) }),
    );
    const restoreMs = Math.round(performance.now() - startedAt);
    await using session = await openActing(context, sandbox.project, startingPlan(plan));
    await released(running, session, part, { plan: startingPlan(plan), version: stable.version, until: "end" });
    const wholeMs = Math.round(performance.now() - startedAt);
    findings.recovery = {
      backup: restored.record.id,
      restoreMs,
      startMs: wholeMs - restoreMs,
      wholeMs,
      rows: restored.rows,
    };
    const before = visitors?.count() ?? NO_REQUESTS;
    await answersAlone(running, part);
    const { appErrors, failed } = requestsBetween(before, visitors?.count() ?? NO_REQUESTS);
    if (appErrors + failed > 0) await refuseFailures(running, log, part);
  });
}

function mustBe<T>(value: T | null): T {
  if (value === null) throw new FaultError({ code: "rehearsal-failed", what: "There is no backup to restore." });
  return value;
}
