import { placeBefore, servingAnyway } from "../../engine/start-release.ts";
import type { Placed } from "../../core/release/event.ts";
import type { InstanceSeen } from "../../core/observation.ts";
import type { Release } from "../../core/release/release.ts";
import { powerOf, type StepPower } from "../../core/forecast/plan-power.ts";
import { SECOND } from "../../core/time/time.ts";
import { wasRehearsed } from "../../core/rehearsal/evidence.ts";
import { readRehearsals } from "../../local/rehearsals.ts";
import type { Project } from "../project.ts";
import { answer, type Context } from "../context.ts";
import { FaultError } from "../../core/fault.ts";
import { fullStop } from "../../core/text/plain-text.ts";
import type { Plan } from "../../core/plan/plan.ts";
import { mustBePlaceOf } from "../../engine/whose-place.ts";
import type { Outside } from "../machinery.ts";
import type { CommandDefinition } from "../definition.ts";
import { DONE, exitCodeOfFault } from "../exit-code.ts";
import { noticeSentence, withFix } from "../notices.ts";
import { pendingOfVersion } from "../migrations/pending-of-version.ts";
import { refusalOfRelease } from "../migrations/refusal-of-release.ts";
import { loadPlan } from "../plan-file.ts";
import { lastWorkMs, planHashOf, type PlanPreview, warningsOf } from "../plan-preview.ts";
import { catchDocument } from "../simulate/catch-document.ts";
import { otherDaysOf } from "../other-days.ts";
import { trySources } from "../try-sources.ts";
import { trafficSeen } from "../traffic-seen.ts";
import { planView } from "../render/plan-view.ts";
import { openReading, readRelease } from "../session.ts";

export const plan: CommandDefinition = {
  about:
    "Shows what a release would do now: its steps, gates and times, what is watched and when it is put back, what environment variables changed, and what to know before. Changes nothing. Ends with 3 where a release would be refused for what it migrates, as that would. With --json it prints the frozen plan and its hash.",
  arguments: [
    {
      name: "version",
      required: false,
      about: "a commit, tag or branch, or what `prepare:` understands; by default HEAD",
    },
  ],
  options: [],
  examples: [
    { line: "tidegate plan", does: "for HEAD" },
    { line: "tidegate plan v2.4.0 --env staging", does: "for a tag, with the overlay of staging" },
  ],
  run: async ({ context, arguments: [version = "HEAD"] }) => {
    const preview = await look(context, version);
    const refusal = refusalOfRelease(preview.plan, preview.schema);
    return answer(
      context,
      { ...preview, power: preview.power.map(powerDocument) },
      planView(preview, context.terminal.style()),
      refusal === null ? DONE : exitCodeOfFault(refusal),
    );
  },
};

function powerDocument({ step, share, seconds, catches, weak, passing }: StepPower): Readonly<Record<string, unknown>> {
  return {
    step,
    sharePercent: share / 100,
    forMs: seconds * SECOND,
    catches: catches.map(catchDocument),
    healthyPasses:
      passing === null
        ? null
        : {
            chance: Number(passing.chance.toFixed(4)),
            meanMs: passing.seconds === null ? null : Math.round(passing.seconds * SECOND),
          },
    weak:
      weak === null
        ? null
        : {
            candidateErrors: weak.errors,
            caught: Number(weak.caught.toFixed(4)),
            sharePercent: weak.share === null ? null : weak.share * 100,
            forMs: weak.seconds === null ? null : weak.seconds * SECOND,
          },
  };
}

async function look(context: Context, version: string): Promise<PlanPreview> {
  const project = context.project();
  const { plan, overrides, notes } = await loadPlan(context, project);
  const releases = await history(context, plan.app, plan.environment);
  const outside = await context.machinery.outside({
    project,
    plan,
    env: context.env,
    say: () => undefined,
    isFollowed: true,
  });
  const { runtime, traffic } = outside;
  const stable = await serving(
    releases,
    async () => (await context.machinery.runningInstances(project.state, plan)) ?? [],
    (instances) => servingAnyway({ traffic, runtime }, instances),
  );
  const seen = await trafficSeen(traffic, stable?.version ?? null);
  const candidate = await runtime.resolve(version);
  const preview = {
    plan,
    planHash: planHashOf(plan),
    stable,
    candidate,
    schema: await pendingOfVersion(context, {
      plan,
      candidate: candidate.version,
      stable: stable === null || stable.isAdopted ? null : stable.version,
    }),
    requestsPerSecond: seen?.rps ?? null,
    trafficSeenMs: seen?.overMs ?? null,
    power: stable === null || seen === null || seen.rps === 0 ? [] : powerOf(plan, seen),
    otherDays: await otherDaysOf(plan, traffic, Date.now()),
    sources: await trySources(context, plan, outside, () => stable),
    overrides,
    lastWorkMs: lastWorkMs(releases),
    rehearsal: rehearsalOf(project, plan, candidate),
  };
  const unasked = plan.traffic.kind === "haproxy" ? await badBalancers(context, plan) : await unaskable(traffic);
  const foreign = [...unasked, ...(await whoseElse(context, plan, traffic))];
  const told = (await outside.notices()).filter(({ level }) => level !== "ok").map(noticeSentence);
  return { ...preview, warnings: [...foreign, ...told, ...warningsOf(preview, releases, notes)] };
}

function rehearsalOf(
  { state }: Project,
  plan: Plan,
  { version, label }: PlanPreview["candidate"],
): PlanPreview["rehearsal"] {
  const known = readRehearsals(state);
  const isAsked = plan.steps.some(
    (step) => step.kind === "check" && step.checklist.items.some(({ check }) => check?.kind === "rehearsed"),
  );
  if (known.length === 0 && !isAsked) return null;
  const of = { environment: plan.environment, version, label, planHash: planHashOf(plan) };
  return wasRehearsed(known, of, Number.POSITIVE_INFINITY, Date.now()).detail;
}

/** A plan can be shown all the same. */
async function unaskable(traffic: Outside["traffic"]): Promise<readonly string[]> {
  return await traffic.read().then(
    () => [],
    (error: unknown) => {
      if (!(error instanceof FaultError)) throw error;
      const { what, fix } = error.fault;
      return [`A release would be refused. ${withFix(what, fix)}`];
    },
  );
}

/** What `doctor` says of them: each one has to be there, and to have Tidegate's part. */
async function badBalancers(context: Context, plan: Plan): Promise<readonly string[]> {
  const found = await (await context.machinery.haproxy()).look(plan);
  return found
    .filter(({ state }) => state === "bad")
    .map(({ sentence, fix }) => withFix(`In the way of a release: ${fullStop(sentence)}`, fix));
}

/** That a release would be refused is to be known before it is tried. */
async function whoseElse(
  context: Context,
  plan: Pick<Plan, "app" | "environment">,
  traffic: Outside["traffic"],
): Promise<readonly string[]> {
  await using session = await openReading(context, context.project());
  const journal = session?.journal ?? { releases: () => Promise.resolve([]), read: () => Promise.resolve([]) };
  return await mustBePlaceOf({ journal, traffic }, plan).then(
    () => [],
    (error: unknown) => {
      if (!(error instanceof FaultError)) throw error;
      // Of a data plane that can't be asked it is said elsewhere.
      return error.fault.code === "state-foreign" ? [`A release would be refused. ${error.fault.what}`] : [];
    },
  );
}

function unlessFault(error: unknown): null {
  if (error instanceof FaultError) return null;
  throw error;
}

/** How many releases back it matters what serves. */
const LOOK_BACK = 10;

async function history(context: Context, app: string, environment: string): Promise<readonly Release[]> {
  await using session = await openReading(context, context.project());
  if (session === null) return [];
  const ids = (await session.journal.releases({ app, environment })).slice(0, LOOK_BACK);
  const { journal } = session;
  const releases = await Promise.all(ids.map((id) => readRelease(journal, id)));
  return releases.filter((release) => release !== null);
}

/** What serves by the journal or, where that was lost, `anyway`, as long as something of it runs: after `down` or a reboot the place is empty. */
async function serving(
  releases: readonly Release[],
  instances: () => Promise<readonly InstanceSeen[]>,
  anyway: (instances: readonly InstanceSeen[]) => Promise<Placed | null>,
): Promise<PlanPreview["stable"]> {
  const living = (await instances()).filter(({ state }) => state !== "exited");
  // A data plane that can't be asked is told among the warnings (`unaskable`).
  const before = placeBefore(releases) ?? (await anyway(living).catch(unlessFault));
  if (before === null) return null;
  const runs = living.some(({ version }) => version === before.version);
  return runs ? { version: before.version, label: before.label, isAdopted: before.adopted !== undefined } : null;
}
