import { schemaSentence } from "../../core/decide/database-recipe.ts";
import { isOfKind, type Plan } from "../../core/plan/plan.ts";
import { plannedThere, startingPlan } from "../../core/rehearsal/rehearsed-plan.ts";
import type { RehearsedRollback } from "../../core/rehearsal/rehearsal.ts";
import type { Release } from "../../core/release/release.ts";
import { formatDuration } from "../../core/time/time.ts";
import { openActing, type Session } from "../session.ts";
import { refuseCopyBehind } from "./behind.ts";
import { copyDatabase } from "./copy.ts";
import { refuseFailures } from "./failures.ts";
import { playRollback } from "./play.ts";
import { recover } from "./recovery.ts";
import { answersAlone, released } from "./released.ts";
import type { Findings, Sandboxed } from "./sandboxed.ts";
import type { ActScore, Score } from "./score.ts";

/** All acts, one after the other; throws at the first that fails. */
export async function playActs(sandboxed: Sandboxed, score: Score, findings: Findings): Promise<void> {
  const { production, copies, stage, context, versions, plan } = sandboxed;
  const { backups } = production;
  if (copies !== null && backups !== null)
    await score.act("copy", async (act) => {
      const { identity, signal } = sandboxed;
      const server = serverOf(plan);
      const place = { project: stage.project, plan, env: context.env };
      if (server !== null)
        await act.step(`started ${server} once more, for the copy alone`, () =>
          context.machinery.startRehearsedServer(place, signal),
        );
      const order = { id: stage.playing.id, copies, backups, identity, by: context.person, signal };
      findings.database = await copyDatabase(order, act);
      if (findings.database.from.kind === "backup") await refuseCopyBehind(sandboxed, findings, act);
    });
  {
    await using session = await openActing(context, stage.project, plan);
    const stable = versions.stable;
    if (stable !== null) {
      await score.act("stable", async (act) => {
        await released(sandboxed, session, act, { plan: startingPlan(plan), version: stable.version, until: "end" });
        await answersAlone(sandboxed, act);
      });
      await score.act("there-and-back", async (act) => {
        await thereAndBack(sandboxed, session, act, findings);
        refuseFailures(sandboxed, score, act);
      });
    } else
      findings.leftOut.push({ what: "the way back", why: "nothing serves yet, so there is nothing to go back to" });
    await score.act("whole", async (act) => {
      await released(sandboxed, session, act, { plan, version: versions.candidate.version, until: "end" });
      if (stable === null) await answersAlone(sandboxed, act);
      refuseFailures(sandboxed, score, act);
    });
  }
  await recover(sandboxed, score, findings);
}

/** The service of the compose project that is the copy's own server; null: it is on the app's. */
function serverOf({ services }: Plan): string | null {
  const [first] = services.filter(isOfKind("compose"));
  return first?.runtime.project.rehearsal?.server?.service ?? null;
}

async function thereAndBack(sandboxed: Sandboxed, session: Session, act: ActScore, findings: Findings): Promise<void> {
  const { plan, versions, signal, context, stage } = sandboxed;
  const release = await released(sandboxed, session, act, {
    plan: plannedThere(plan),
    version: versions.candidate.version,
    until: "last-share",
  });
  const before = performance.now();
  const back = await playRollback({ session, signal, onLook: () => act.now("rolled back") }, release.id);
  const tookMs = Math.round(performance.now() - before);
  if (back.trouble !== null) {
    act.add({ name: "rolled back", state: "failed", tookMs });
    act.fail("rolled back", back.trouble);
  }
  const plane = await context.machinery.dataPlane(stage.project.state);
  const rollback = rollbackOf(back.release, plane?.lastRequestAt[release.candidate.version] ?? null);
  findings.rollback = rollback;
  act.add({
    name: "rolled back",
    state: "passed",
    tookMs,
    ...(rollback === null
      ? {}
      : { note: `traffic in ${formatDuration(rollback.trafficMs)}. ${rollback.schema ?? ""}`.trim() }),
  });
  await answersAlone(sandboxed, act);
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
