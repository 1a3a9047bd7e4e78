import { FaultError } from "../../core/fault.ts";
import type { Release } from "../../core/release/release.ts";
import type { Plan } from "../../core/plan/plan.ts";
import { hadVisitors, putBackSentence } from "../../core/command/put-back.ts";
import { isRunning } from "../../core/release/release.ts";
import { lastPutBack } from "../../engine/known-bad.ts";
import type { ReleaseRequest, RequestAnswer } from "../../engine/api.ts";
import { confirm } from "../ask.ts";
import type { Context } from "../context.ts";
import { type CommandDefinition, type Invocation, isGiven, textOption } from "../definition.ts";
import { DONE, type ExitCode } from "../exit-code.ts";
import { mustBeWritten } from "../init/unknown-run.ts";
import { refuseBeforehand } from "../migrations/refuse-beforehand.ts";
import { tellNotices } from "../notices.ts";
import { loadPlan } from "../plan-file.ts";
import { requirePlanFile } from "../project.ts";
import { servesSentences } from "../render/without-journal.ts";
import { openActing, openReading, readRelease, type Session } from "../session.ts";
import { calledRelease, tellAnswer, tellRefusal } from "../verb.ts";
import { watchRelease } from "../watch-release.ts";
import { missingJournal } from "../without-journal.ts";

export const release: CommandDefinition = {
  about:
    "Runs the plan for a version and follows it: prepares and starts it beside the one that serves, checks it, and gives it traffic step by step; when it is worse it is put back by itself. The first release of an empty place simply starts. A version that was taken back from visitors the last time is released again only when somebody says so: a question in a terminal, else --yes (without it: exit code 3). The same holds where instances run that no journal knows of: the release would begin a new one. Where `tidegate serve` acts, that does the work and this command follows it.",
  arguments: [
    {
      name: "version",
      required: false,
      about: "a commit, tag or branch, or what `prepare:` understands; by default HEAD",
    },
  ],
  options: [
    {
      flags: "--adopt <address>",
      about:
        "take the instance that already runs there (host:port) over as stable; once it is retired there is no way back to it",
    },
    { flags: "--supersede", about: "undo the release that runs, completely, before this one begins" },
    { flags: "--detach", about: "hand it to `tidegate serve` and return" },
    { flags: "--reason <text>", about: "why; kept in the journal and shown to everybody" },
    {
      flags: "--yes",
      about:
        "don't ask: before --supersede undoes a release, a version that was put back is released again, or a new journal is begun beside what serves",
    },
  ],
  examples: [
    { line: "tidegate release", does: "releases HEAD by the plan in tidegate.yaml" },
    { line: "tidegate release v2.4.0 --env staging", does: "a tag, in another environment" },
    { line: "tidegate release --adopt 127.0.0.1:3000", does: "the first release beside a service that already runs" },
  ],
  run: async (invocation) => {
    const { context } = invocation;
    const project = context.project();
    requirePlanFile(project);
    const { plan, notes } = await loadPlan(context, project);
    mustBeWritten(plan);
    if (!context.json) for (const note of notes) context.terminal.complain(note);
    if (!context.json && textOption(invocation, "adopt") !== undefined)
      for (const note of lastWayBack(plan)) context.terminal.complain(note);
    await tellNotices(context, plan);
    await refuseBeforehand(context, plan, invocation.arguments[0] ?? "HEAD");
    const isSaid = await confirmWhatIsRisky(invocation, plan);
    await using session = isGiven(invocation, "detach")
      ? await openServing(context)
      : await openActing(context, project, plan);
    const said = await session.ask(requestOf(invocation, plan, isSaid), null);
    if (said.kind === "refused") return tellRefusal(context, said.fault);
    if (isGiven(invocation, "detach")) return detached(context, said);
    return await watchRelease(context, session, said.release);
  },
};

/** Said before it is too late for it: what somebody else started can't be started again here. */
function lastWayBack({ steps }: Plan): readonly string[] {
  const retire = steps.find(({ kind }) => kind === "retire");
  return retire === undefined
    ? []
    : [
        `What is taken over can't be started again by Tidegate: after "${retire.name}" there is no way back to it. Without that step it stays as standby.`,
      ];
}

function requestOf(invocation: Invocation, plan: Plan, isSaid: boolean): ReleaseRequest {
  const adopt = textOption(invocation, "adopt");
  const reason = textOption(invocation, "reason");
  return {
    kind: "release",
    plan,
    version: invocation.arguments[0] ?? "HEAD",
    supersede: isGiven(invocation, "supersede"),
    unlessPutBack: !isSaid,
    ...(adopt === undefined ? {} : { adopt }),
    ...(reason === undefined ? {} : { reason }),
  };
}

function detached(context: Context, said: Exclude<RequestAnswer, { kind: "refused" }>): ExitCode {
  tellAnswer(context, said);
  if (!context.json) context.terminal.print(`Follow it: tidegate status ${said.release} --follow`);
  return DONE;
}

/**
 * Asks once about what a release would undo, and about a version that was put back before; what is worth knowing and
 * no question is only said. True: it was said that the version shall be released again.
 */
async function confirmWhatIsRisky(invocation: Invocation, plan: Plan): Promise<boolean> {
  const { context } = invocation;
  const isYes = isGiven(invocation, "yes");
  const running = isGiven(invocation, "supersede") ? await runningRelease(context) : null;
  const before = await putBackOnce(invocation, plan);
  const isAsked = before !== null && hadVisitors(before);
  const lost = await lostJournal(context);
  if (lost !== null && isYes && !context.json) context.terminal.complain(lost);
  const questions = [
    ...(lost === null ? [] : [`Begins a new journal, with release 1, beside what serves. ${lost}`]),
    ...(running === null ? [] : [`Undoes ${calledRelease(running)} completely, then begins the new one.`]),
    ...(isAsked ? [`Releases ${before.candidate.label} again. ${putBackSentence(before)}`] : []),
  ];
  if (before !== null && !context.json && (isYes || !isAsked)) context.terminal.complain(putBackSentence(before));
  if (questions.length > 0) await confirm(context, questions.join("\n"), isYes);
  return isAsked || isYes;
}

/** That a journal was lost, and who is served without one, as `status` tells it; null: none was. */
async function lostJournal(context: Context): Promise<string | null> {
  const { state } = context.project();
  if (await isAnyReleaseKnown(context)) return null;
  const fault = await missingJournal(context);
  if (fault === null) return null;
  const serves = servesSentences(await context.machinery.dataPlane(state));
  return `${fault.what} What serves: ${serves.join("; ")}. If there is a backup of the journal, put it back first: ${state.file("journal.db")}`;
}

async function isAnyReleaseKnown(context: Context): Promise<boolean> {
  await using reading = await openReading(context, context.project());
  return ((await reading?.journal.releases()) ?? []).length > 0;
}

async function putBackOnce(
  { context, arguments: [version = "HEAD"] }: Invocation,
  plan: Plan,
): Promise<Release | null> {
  const project = context.project();
  await using reading = await openReading(context, project);
  if (reading === null) return null;
  const order = { project, plan, env: context.env, say: () => undefined, isFollowed: true };
  const { runtime } = await context.machinery.outside(order);
  return await lastPutBack(reading.journal, plan, (await runtime.resolve(version)).version);
}

async function runningRelease(context: Context): Promise<Release | null> {
  await using reading = await openReading(context, context.project());
  const [newest] = (await reading?.journal.releases()) ?? [];
  if (reading === null || newest === undefined) return null;
  const found = await readRelease(reading.journal, newest);
  return found !== null && isRunning(found) ? found : null;
}

/** Only an engine that stays can be handed a release. Faults: nobody-serves. */
async function openServing(context: Context): Promise<Session> {
  const session = await openReading(context, context.project());
  const actor = session?.actor() ?? null;
  if (session !== null && actor !== null && actor !== "here" && actor.kind === "serve") return session;
  await session?.[Symbol.asyncDispose]();
  throw new FaultError({
    code: "nobody-serves",
    what: "No `tidegate serve` runs here, so nobody could carry the release out after this command has ended.",
    fix: "start one: tidegate serve, or at boot: tidegate service install. Or follow it here, without --detach",
  });
}
