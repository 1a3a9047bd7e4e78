import type { WayFurther } from "../core/command/what-serves.ts";
import { command as carryOut, type Command } from "../core/command/command.ts";
import { type Fault, FaultError } from "../core/fault.ts";
import { isEnded, type Release } from "../core/release/release.ts";
import type { RequestAnswer } from "../engine/api.ts";
import { confirm } from "./ask.ts";
import { answer, type Context, faultText } from "./context.ts";
import { type Invocation, isGiven, textOption } from "./definition.ts";
import { DONE, type ExitCode, exitCodeOfRefusal, WAITS_FOR_PERSON } from "./exit-code.ts";
import { unknownRelease } from "./follow.ts";
import { openActing, openReading, readRelease, type Session } from "./session.ts";
import { otherEnvironments } from "./environments.ts";
import { mustBeStateOf } from "./whose-state.ts";
import { missingJournal } from "./without-journal.ts";
import { releaseNumber } from "./release-number.ts";
import { watchRelease } from "./watch-release.ts";

export interface Verb {
  readonly command: (release: Release) => Command;
  /** What it will do, in a sentence; asked once. */
  readonly intent: (release: Release) => string;
  /** The release's number as the user gave it; undefined: the one that the verb most likely means. */
  readonly release: string | undefined;
  readonly isMeant: (release: Release) => boolean;
  /** What more there is to say where it was done before; absent: nothing. */
  readonly further?: () => Promise<WayFurther | null>;
  /** It changes nothing that anybody had to think over. */
  readonly asksNothing?: true;
  /** What the world has against it, which the journal does not know; null: nothing. Asked before anybody is. */
  readonly hindrance?: (release: Release) => Promise<Fault | null>;
}

/** Says what it will do, asks once, asks whoever acts; with nobody acting this process acts, and goes on with the release. */
export async function runVerb(invocation: Invocation, verb: Verb): Promise<ExitCode> {
  const { context } = invocation;
  const project = context.project();
  const { release, seq } = await findRelease(context, verb);
  const reason = textOption(invocation, "reason");
  const asked = verb.command(release);
  const would = carryOut(release, asked, { name: context.person }, reason, Date.now());
  if (would.kind === "refused") return tellRefusal(context, would.fault);
  if (would.kind === "already") {
    const further = isEnded(release) ? ((await verb.further?.()) ?? null) : null;
    const said = { ...would, release: release.id };
    if (further === null) return tellAnswer(context, said);
    return answer(context, { ...said, further }, [said.sentence, further.sentence], DONE);
  }
  const hindrance = (await verb.hindrance?.(release)) ?? null;
  if (hindrance !== null) return tellRefusal(context, hindrance);
  await confirm(context, verb.intent(release), verb.asksNothing === true || isGiven(invocation, "yes"));
  await using session = await openActing(context, project, release.plan);
  const isHere = session.actor() === "here";
  if (isHere && !context.json) context.terminal.print(ACTS_HERE);
  const said = await session.ask(
    { kind: "command", command: asked, ...(reason === undefined ? {} : { reason }) },
    release.id,
  );
  if (said.kind === "refused") return tellRefusal(context, said.fault);
  const isFollowed = session.actor() === "here" || asked.kind === "rollback";
  if (!isFollowed) return tellAnswer(context, said);
  context.terminal.print(
    context.json
      ? JSON.stringify({ type: said.kind, release: said.release, sentence: said.sentence, actsHere: isHere })
      : said.sentence,
  );
  const code = await watchRelease(context, session, release.id, {
    after: seq,
    ...(asked.kind === "rollback" ? { asked: "rollback" } : {}),
  });
  // That it goes on waiting for a person is what it was called for.
  return verb.asksNothing === true && code === WAITS_FOR_PERSON ? DONE : code;
}

const ACTS_HERE =
  "No engine acts on this app, so this command does, and stays until the release comes to rest. Ctrl-C ends that, and nobody watches then: tidegate attach or tidegate serve goes on.";

/** The release that is meant, as the journal has it, and how many events that are. Faults: release-unknown. */
async function findRelease(
  context: Context,
  { release: given, isMeant }: Verb,
): Promise<{ readonly release: Release; readonly seq: number }> {
  await using session = await openReading(context, context.project());
  if (session === null) throw await noRelease(context);
  const id = given === undefined ? await likeliest(session, isMeant) : releaseNumber(given);
  const release = id === null ? null : await readRelease(session.journal, id);
  if (release === null) throw id === null ? await noRelease(context) : unknownRelease(id);
  mustBeStateOf(context.project(), release.app);
  return { release, seq: (await session.journal.read(release.id)).length };
}

/** How many releases back a verb without a number looks for the one that it means. */
const LOOK_BACK = 10;

async function likeliest(session: Session, isMeant: (release: Release) => boolean): Promise<number | null> {
  const ids = await session.journal.releases();
  for (const id of ids.slice(0, LOOK_BACK)) {
    const release = await readRelease(session.journal, id);
    if (release !== null && isMeant(release)) return id;
  }
  // None fits: the newest, so that the answer says why not.
  return ids[0] ?? null;
}

/** For verbs that go on with something. */
export function isUnderWay(release: Release): boolean {
  return !isEnded(release);
}

export async function noRelease(context: Context): Promise<FaultError> {
  const { environment } = context.project();
  const others = otherEnvironments(context.project());
  const missing = await missingJournal(context);
  if (missing !== null) return new FaultError(missing);
  return new FaultError({
    code: "release-unknown",
    what: `Nothing was released here yet in ${environment}.`,
    fix:
      others.length === 0
        ? "tidegate release"
        : `released here already: ${others.join(", ")}; if you mean one of these: --env ${others[0]}\nelse begin: tidegate release`,
  });
}

export function tellAnswer(context: Context, said: Exclude<RequestAnswer, { kind: "refused" }>): ExitCode {
  return answer(context, { ...said }, [said.sentence], DONE);
}

export function tellRefusal(context: Context, fault: Fault): ExitCode {
  if (context.json) context.terminal.print(JSON.stringify({ fault }));
  else context.terminal.complain(faultText(context, fault));
  return exitCodeOfRefusal(fault);
}

/** `release 42 (shop 9f2c1e, production)`. */
export function calledRelease({ id, app, candidate, environment }: Release): string {
  return `release ${id} (${app} ${candidate.label}, ${environment})`;
}
