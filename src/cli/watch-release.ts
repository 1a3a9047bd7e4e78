import { lastSign, unwatchedSentence } from "./render/unwatched.ts";
import { peopleNotes } from "./render/people-notes.ts";
import type { Release } from "../core/release/release.ts";
import type { TrafficState } from "../core/traffic/routing.ts";
import type { Status } from "../core/status/status.ts";
import { formatDuration } from "../core/time/time.ts";
import { FaultError } from "../core/fault.ts";
import type { Context } from "./context.ts";
import { DONE, type ExitCode, exitCodeOf, STOPPED_WATCHING, WAITS_FOR_PERSON } from "./exit-code.ts";
import { follow, isOver, isSettled, needsWatching } from "./follow.ts";
import { holderLine, type Keeps, lockKept } from "./lock-kept.ts";
import type { LockHolder } from "../local/lock-holder.ts";
import type { Session } from "./session.ts";
import { onInterrupt } from "./signals.ts";
import { openView } from "./views.ts";

export interface WatchOptions {
  /** Events up to this one are not news. */
  readonly after?: number;
  /** What was asked for: then a release that has been rolled back is done as asked. */
  readonly asked?: "rollback";
  /** Whether `tidegate status` shows it. */
  readonly isStatus?: boolean;
}

/**
 * Shows a release until it has come to rest: it has ended, it waits for a person or a date, or nobody acts any more.
 * An engine in this process stays as long as a part of the traffic needs somebody to watch it.
 */
export async function watchRelease(
  context: Context,
  session: Session,
  id: number,
  options: WatchOptions = {},
): Promise<ExitCode> {
  using interruption = onInterrupt();
  const kept = lockKept(context, session);
  using view = openView(context, {
    hint: session.actor() === "here" ? "Ctrl-C detaches" : "Ctrl-C stops watching",
    notes: (status, release, isLast) => {
      const holder = kept();
      // Whether it ends or hangs is not known yet, and the one is no news while the other is bad news.
      return holder === "leaving" ? [] : notes(status, release, session, { holder, isLast });
    },
    isAskedFor: options.asked === "rollback",
    isStatus: options.isStatus === true,
  });
  const last: { status?: Status; release?: Release } = {};
  const { status, release, because } = await follow({
    session,
    release: id,
    view: { ...view, picture: (now, of) => view.picture((last.status = now), (last.release = of)) },
    signal: interruption.signal,
    isEnough: (now) => isEnough(now, session, kept),
    ...(options.after === undefined ? {} : { after: options.after }),
  }).catch((error: unknown) => {
    view[Symbol.dispose]();
    throw withWhatBecomes(error, last.status, last.release);
  });
  view[Symbol.dispose]();
  if (because === "stopped") {
    for (const line of stopped(status, release, session, kept())) context.terminal.complain(line);
    return STOPPED_WATCHING;
  }
  if (options.asked === "rollback" && status.state === "rolled-back") return DONE;
  // Left by whoever acted: somebody has to take it up again.
  return isSettled(status) ? exitCodeOf(status) : WAITS_FOR_PERSON;
}

/** Who followed a release to the loss of its journal is told what happens to the share that it had. */
function withWhatBecomes(error: unknown, status: Status | undefined, release: Release | undefined): unknown {
  if (!(error instanceof FaultError) || error.fault.code !== "journal-gone") return error;
  if (status === undefined || release === undefined) return error;
  const where = `Release ${status.release} was at ${status.sharePercent}% on ${status.candidate.label}, and nobody acts on it any more.`;
  const { what } = error.fault;
  return new FaultError({ ...error.fault, what: [what, where, ...unwatchedSentence(status, release)].join(" ") });
}

function isEnough(status: Status, session: Session, kept: Keeps): boolean {
  const actor = session.actor();
  if (actor === null) return isOver(status) || kept() !== "leaving";
  return isSettled(status) && (actor !== "here" || !(needsWatching(status) || isStillCalling(status)));
}

/** Nobody else would call the next one when the time to acknowledge is over. */
function isStillCalling({ alerts }: Status): boolean {
  return alerts.some(
    ({ acknowledged, escalatesAtMs, hasEscalated }) => acknowledged === null && escalatesAtMs !== null && !hasEscalated,
  );
}

/** It ends by itself, and a person is told of it all the same. */
function isWaitingForFigures({ hold }: Status): boolean {
  return hold?.needsPerson === true && hold.endsByItself;
}

interface Around {
  readonly plane?: TrafficState | null;
  readonly holder?: LockHolder | null;
  /** This command ends with it. */
  readonly isLast?: boolean;
}

/** What goes with a picture: trouble of the engine, nobody acts, why this process stays. */
export function notes(
  status: Status,
  release: Release,
  session: Session,
  { plane = null, holder = null, isLast = false }: Around = {},
): readonly string[] {
  const lines: string[] = [];
  const { candidate, current, release: id } = status;
  if (status.fault !== null && status.state !== "failed") lines.push(`The engine has trouble: ${status.fault.what}`);
  if (current?.seen !== undefined) lines.push(current.seen);
  const actor = session.actor();
  if (actor === "here" && needsWatching(status) && isSettled(status))
    lines.push(
      `Stays to watch, because ${status.sharePercent}% of the traffic is on ${candidate.label}${status.sharePercent === 100 && current !== null ? `, and "${current.name}" has not passed` : ""}.`,
    );
  // It may go on in the next instant, so that it ends is known when it does.
  if (isLast && actor === "here" && isWaitingForFigures(status) && !needsWatching(status))
    lines.push(
      `Nothing more happens to visitors until then, so this command ends now, and nobody acts after it: tidegate attach ${id} watches until that is over and goes on; tidegate serve does so for all releases.`,
    );
  const waitsForDate = status.state === "live" && current?.waitsFor === "start-time";
  if ((actor === "here" || actor === null) && holder === null && waitsForDate)
    lines.push(`"${current.name}" needs an engine when it is due: tidegate serve, or then tidegate attach ${id}.`);
  if (actor === null && !isOver(status) && (holder !== null || !waitsForDate)) {
    lines.push(holderLine(holder, id));
    if (plane !== null) lines.push(lastSign(status, release, plane));
    lines.push(...unwatchedSentence(status, release, plane));
  }
  return [...lines, ...peopleNotes(status, Date.now())];
}

function stopped(status: Status, release: Release, session: Session, kept: ReturnType<Keeps>): readonly string[] {
  const actor = session.actor();
  const id = status.release;
  if (actor === "here") {
    return [
      `The engine stops here; release ${id} stays where it is${isOver(status) ? "" : `, with ${status.sharePercent}% of the traffic on ${status.candidate.label}`}.`,
      ...unwatchedSentence(status, release),
      `Go on with: tidegate attach ${id}`,
    ];
  }
  if (actor === null) return [`Stopped watching. ${holderLine(kept === "leaving" ? null : kept, id)}`];
  const who = actor.kind === "serve" ? "tidegate serve" : "another tidegate";
  return [
    `Stopped watching; release ${id} goes on (${who}, process ${actor.pid}, since ${formatDuration(Date.now() - actor.startedAtMs)}).`,
    `See it again: tidegate status ${id} --follow`,
  ];
}
