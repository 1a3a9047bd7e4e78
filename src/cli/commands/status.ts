import { describeFault, type Fault, faultOf } from "../../core/fault.ts";
import { stateInWords, type Status } from "../../core/status/status.ts";
import { formatDuration } from "../../core/time/time.ts";
import { isRunning, type Release } from "../../core/release/release.ts";
import { answer, type Context } from "../context.ts";
import { NOBODY_IS_ANSWERED, serves, START_PLANE } from "../cut-off.ts";
import { type CommandDefinition, isGiven } from "../definition.ts";
import { otherEnvironments } from "../environments.ts";
import { type ExitCode, FAILED } from "../exit-code.ts";
import { isOver, unknownRelease } from "../follow.ts";
import { lookAtInstances } from "../look-at-instances.ts";
import { missingInstances, missingWords, START_MISSING } from "../missing-instances.ts";
import { dataPlaneNotes, lostSince } from "../render/data-plane.ts";
import { instanceList, type InstanceHealth } from "../render/instance-list.ts";
import { peopleNotes } from "../render/people-notes.ts";
import { releaseView } from "../render/release-view.ts";
import { paint, type Style } from "../render/style.ts";
import { padEnd } from "../render/text.ts";
import { asThePlaneHasIt } from "../render/unwatched.ts";
import { journalStatus, openReading, readRelease, type Session } from "../session.ts";
import { lookUnseen, NOTHING_UNSEEN } from "../unseen.ts";
import { releaseNumber } from "../release-number.ts";
import { withoutJournalDocument, withoutJournalLines } from "../render/without-journal.ts";
import { journalFault, lookWithoutJournal, missingJournal } from "../without-journal.ts";
import { findStrays, straysSentence } from "../strays.ts";
import { openItems } from "../views.ts";
import { notes, watchRelease } from "../watch-release.ts";

export const status: CommandDefinition = {
  about:
    "Shows where a release stands, why, who acts next and when; with no release running, what serves and how it is. It needs no engine: the journal tells. With --follow it stays until the release comes to rest.",
  arguments: [{ name: "id", required: false, about: "the release; by default the newest" }],
  options: [{ flags: "--follow", about: "go on showing it until it ends or waits for a person" }],
  examples: [
    { line: "tidegate status", does: "the newest release, or what serves now" },
    { line: "tidegate status 42 --follow", does: "watches release 42 from another terminal" },
    { line: "tidegate status --json", does: "one document for a script" },
  ],
  run: async (invocation) => {
    const { context } = invocation;
    const [given] = invocation.arguments;
    const id = given === undefined ? undefined : releaseNumber(given);
    const hidden = await whyHidden(context);
    if (hidden !== null) return await showWithoutJournal(context, hidden);
    await using session = await openReading(context, context.project());
    const ids = (await session?.journal.releases()) ?? [];
    const wanted = id ?? (session === null ? undefined : await lastToHappen(session, ids));
    if (session === null || wanted === undefined) {
      if (id !== undefined) throw unknownRelease(id);
      return tellNothing(context);
    }
    if (isGiven(invocation, "follow")) {
      const after = (await session.journal.read(wanted)).length;
      return await watchRelease(context, session, wanted, { after, isStatus: true });
    }
    return await show(context, session, wanted, id === undefined ? ids.filter((one) => one !== wanted) : []);
  },
};

/** Why no journal tells where things stand; null: one does, or nothing was ever released here. */
async function whyHidden(context: Context): Promise<Fault | null> {
  try {
    await using session = await openReading(context, context.project());
    const ids = (await session?.journal.releases()) ?? [];
    return ids.length === 0 ? await missingJournal(context) : null;
  } catch (error) {
    const fault = journalFault(error);
    if (fault === null) throw error;
    return fault;
  }
}

async function showWithoutJournal(context: Context, fault: Fault): Promise<ExitCode> {
  const seen = await lookWithoutJournal(context, fault);
  const lines = withoutJournalLines(seen, context.terminal.style());
  return answer(context, withoutJournalDocument(seen), lines, FAILED);
}

async function show(context: Context, session: Session, id: number, others: readonly number[]): Promise<ExitCode> {
  const release = await readRelease(session.journal, id);
  const found = await session.status(id);
  if (release === null || found === null) throw unknownRelease(id);
  const plane = await context.machinery.dataPlane(context.project().state);
  const now = asThePlaneHasIt(found, release, plane);
  const isQuiet = isOver(now) || now.state === "live";
  const { instances, fault } = isQuiet ? await look(context, release) : { instances: null, fault: null };
  const earlier = await earlierReleases(session, others);
  const lost = lostSince(plane, now.plannedAtMs);
  const style = context.terminal.style();
  const isCutOff = plane === null && (await serves(context, release.plan));
  const strays = await findStrays(context, session.journal).catch(() => []);
  const missing = missingInstances(
    now,
    release.plan.services,
    (instances ?? []).map(({ instance }) => instance),
  );
  const unseen = session.actor() === null ? await lookUnseen(context, release, now, plane) : NOTHING_UNSEEN;
  const document = {
    status: now,
    acting: session.actor(),
    ...unseen.document,
    instances,
    strays: strays.map(({ id }) => id),
    ...(missing.length === 0 ? {} : { missing }),
    isCutOff,
    lost,
    earlier: earlier.map(briefly),
  };
  return answer(context, document, [
    ...releaseView(now, style, {
      notes: [
        ...(isCutOff ? [CUT_OFF] : []),
        ...(unseen.notes === null
          ? notes(now, release, session, { plane })
          : [...unseen.notes, ...peopleNotes(now, Date.now())]),
        ...dataPlaneNotes(plane, now.plannedAtMs, Date.now()),
        ...straysSentence(strays),
        ...(missing.length === 0 ? [] : [`${missing.map(missingWords).join(", ")}. ${startMissing(session)}`]),
      ],
      openItems: openItems(release),
      isStatus: true,
    }),
    ...(isQuiet ? ["", ...(fault === null ? instanceLines(instances, style) : [describeFault(fault)])] : []),
    ...earlierLines(earlier, style),
  ]);
}

function startMissing(session: Session): string {
  return session.actor() === null
    ? `To start what is missing: ${START_MISSING}`
    : "Whoever acts starts what is missing.";
}

const CUT_OFF = `${sentenceCase(NOBODY_IS_ANSWERED)}. Start it: ${START_PLANE}`;

function sentenceCase(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}`;
}

interface Look {
  readonly instances: readonly InstanceHealth[] | null;
  readonly fault: Fault | null;
}

/** Where the instances can't be told, the rest still can. */
async function look(context: Context, { plan }: Release): Promise<Look> {
  try {
    return { instances: await lookAtInstances(context, plan), fault: null };
  } catch (error) {
    return { instances: null, fault: faultOf(error, "instances-unknown", "Nobody can say which instances run.") };
  }
}

function instanceLines(instances: readonly InstanceHealth[] | null, style: Style): readonly string[] {
  if (instances === null) return ["Nothing of it runs here: no keeper answers. tidegate release starts it."];
  return [paint(style, "dim", "instances"), ...instanceList(instances, Date.now(), style)];
}

/** The release to which something happened last: an older one that was rolled back says more of today than the newest. */
async function lastToHappen({ journal }: Session, ids: readonly number[]): Promise<number | undefined> {
  const releases = await Promise.all(ids.slice(0, EARLIER).map((id) => readRelease(journal, id)));
  const known = releases.filter((release) => release !== null);
  const running = known.find(isRunning);
  const last = known.toSorted((a, b) => b.lastAt.wall - a.lastAt.wall)[0];
  return running?.id ?? last?.id ?? ids[0];
}

const EARLIER = 5;

async function earlierReleases(session: Session, ids: readonly number[]): Promise<readonly Status[]> {
  const releases = await Promise.all(ids.slice(0, EARLIER).map((id) => readRelease(session.journal, id)));
  return releases
    .filter((release): release is Release => release !== null)
    .flatMap((release) => journalStatus(release) ?? []);
}

function briefly(status: Status): Readonly<Record<string, unknown>> {
  const { release, state, candidate, plannedAtMs, endedAtMs, sentence } = status;
  return { release, state, version: candidate.version, label: candidate.label, plannedAtMs, endedAtMs, sentence };
}

function earlierLines(earlier: readonly Status[], style: Style): readonly string[] {
  if (earlier.length === 0) return [];
  const width = Math.max(...earlier.map(({ candidate }) => candidate.label.length));
  return [
    "",
    paint(style, "dim", "earlier"),
    ...earlier.map((one) => {
      const ago = formatDuration(Date.now() - (one.endedAtMs ?? one.plannedAtMs));
      return `  ${String(one.release).padStart(4)}  ${padEnd(one.candidate.label, width)}  ${padEnd(stateInWords(one), 14)}  ${ago} ago`;
    }),
  ];
}

/** Whoever named the state may have mistyped it. */
function isNamed({ global, env }: Context): boolean {
  return global.state !== undefined || (env["TIDEGATE_STATE"] ?? "") !== "";
}

function tellNothing(context: Context): ExitCode {
  const project = context.project();
  const others = otherEnvironments(project);
  const first =
    project.planFile === null
      ? [
          "There is no plan file here, and nothing was released.",
          "Begin with: tidegate init, or see it work first: tidegate demo",
        ]
      : [
          `Nothing was released yet in ${project.environment}${isNamed(context) ? `, by what lies in ${project.state.path}` : ""}.`,
          ...(others.length === 0
            ? []
            : [`Released here already: ${others.join(", ")}. If you mean one of these: --env ${others[0]}`]),
          "See what a release would do: tidegate plan · begin: tidegate release",
        ];
  return answer(
    context,
    {
      status: null,
      otherEnvironments: others,
      acting: null,
      ...NOTHING_UNSEEN.document,
      instances: null,
      strays: [],
      lost: [],
      earlier: [],
    },
    first,
  );
}
