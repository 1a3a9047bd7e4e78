import { schemaSentence } from "../../core/decide/database-recipe.ts";
import type { Plan } from "../../core/plan/plan.ts";
import { isOfKind } from "../../core/plan/service.ts";
import { plannedThere, startingPlan } from "../../core/rehearsal/rehearsed-plan.ts";
import type { RehearsedRollback } from "../../core/rehearsal/rehearsal.ts";
import type { Release } from "../../core/release/release.ts";
import { formatDuration } from "../../core/time/time.ts";
import { openActing, type Session } from "../session.ts";
import { refuseCopyBehind } from "./behind.ts";
import { copyDatabase } from "./copy.ts";
import { refuseFailures } from "./failures.ts";
import { runRollback } from "./run-release.ts";
import { recover } from "./recovery.ts";
import { answersAlone, released } from "./released.ts";
import type { Findings, RunningRehearsal } from "./running-rehearsal.ts";
import type { PartLog, RunLog } from "./run-log.ts";

/** All parts, one after the other; throws at the first that fails. */
export async function runParts(running: RunningRehearsal, log: RunLog, findings: Findings): Promise<void> {
  const { production, copies, sandbox, context, versions, plan } = running;
  const { backups } = production;
  if (copies !== null && backups !== null)
    await log.part("copy", async (part) => {
      const { identity, signal } = running;
      const server = serverOf(plan);
      const place = { project: sandbox.project, plan, env: context.env };
      if (server !== null)
        await part.step(`started ${server} once more, for the copy alone`, () =>
          context.machinery.startRehearsedServer(place, signal),
        );
      const order = { id: sandbox.id, copies, backups, identity, by: context.person, signal };
      findings.database = await copyDatabase(order, part);
      if (findings.database.from.kind === "backup") await refuseCopyBehind(running, findings, part);
    });
  {
    await using session = await openActing(context, sandbox.project, plan);
    const stable = versions.stable;
    if (stable !== null) {
      await log.part("stable", async (part) => {
        await released(running, session, part, { plan: startingPlan(plan), version: stable.version, until: "end" });
        await answersAlone(running, part);
      });
      await log.part("there-and-back", async (part) => {
        await thereAndBack(running, session, part, findings);
        await refuseFailures(running, log, part);
      });
    } else
      findings.leftOut.push({ what: "the way back", why: "nothing serves yet, so there is nothing to go back to" });
    await log.part("whole", async (part) => {
      await released(running, session, part, { plan, version: versions.candidate.version, until: "end" });
      if (stable === null) await answersAlone(running, part);
      await refuseFailures(running, log, part);
    });
  }
  await recover(running, log, findings);
}

/** The service of the compose project that is the copy's own server; null: it is on the app's. */
function serverOf({ services }: Plan): string | null {
  const [first] = services.filter(isOfKind("compose"));
  return first?.runtime.project.rehearsal?.server?.service ?? null;
}

async function thereAndBack(
  running: RunningRehearsal,
  session: Session,
  part: PartLog,
  findings: Findings,
): Promise<void> {
  const { plan, versions, signal, context, sandbox } = running;
  const release = await released(running, session, part, {
    plan: plannedThere(plan),
    version: versions.candidate.version,
    until: "last-share",
  });
  const before = performance.now();
  const back = await runRollback({ session, signal, onLook: () => part.now("rolled back") }, release.id);
  const tookMs = Math.round(performance.now() - before);
  if (back.trouble !== null) {
    part.add({ name: "rolled back", state: "failed", tookMs });
    part.fail("rolled back", back.trouble);
  }
  const plane = await context.machinery.dataPlane(sandbox.project.state);
  const rollback = rollbackOf(back.release, plane?.lastRequestAt[release.candidate.version] ?? null);
  findings.rollback = rollback;
  part.add({
    name: "rolled back",
    state: "passed",
    tookMs,
    ...(rollback === null
      ? {}
      : { note: `traffic in ${formatDuration(rollback.trafficMs)}. ${rollback.schema ?? ""}`.trim() }),
  });
  await answersAlone(running, part);
}

function rollbackOf(release: Release, lastRequestAt: number | null): RehearsedRollback | null {
  const { undo, endedAt } = release;
  if (undo === null) return null;
  const decidedAt = undo.decidedAt.wall;
  const share = undo.effects["share-to-stable"];
  const schema = schemaSentence(release);
  return {
    fromSharePercent: undo.fromShare / 100,
    trafficMs: Math.max(0, (share?.endedAt?.wall ?? decidedAt) - decidedAt),
    lastRequestMs: lastRequestAt === null ? null : lastRequestAt - decidedAt,
    wholeMs: Math.max(0, (endedAt?.wall ?? decidedAt) - decidedAt),
    ...(schema === "" ? {} : { schema }),
  };
}
