import { formatShare } from "../../core/traffic/share.ts";
import { shortVersion } from "../../core/text/short-version.ts";
import { formatDuration } from "../../core/time/time.ts";
import type { PutBackReport } from "../../engine/put-traffic-back.ts";
import type { LockHolder } from "../../local/lock-holder.ts";
import type { ExitCode } from "../exit-code.ts";
import { labelled, labelledCommands } from "./labelled.ts";
import { paint, type Style, symbols } from "./style.ts";
import { wrap } from "./text.ts";

export interface AroundPutBack {
  /** The engine that acted until now; null: none does, or nobody can say. */
  readonly actor: LockHolder | null;
  /** Why nobody can write the journal now; null: nothing can be seen that would be in the way. */
  readonly unwritable: "full" | "closed" | null;
  /** Where the state lies. */
  readonly folder: string;
  readonly exitCode: ExitCode;
}

/** What `rollback --now` did, what not, and who goes on. */
export function putBackLines(report: PutBackReport, around: AroundPutBack, style: Style): readonly string[] {
  return [
    ...title(report, style),
    ...labelled("but", report.troubles, style),
    ...labelled("acts", [actorSentence(around, report)], style),
    ...labelled("fence", [fenceSentence(report)], style),
    ...labelled("noted", [recordSentence(report)], style),
    ...labelled("left", leftSentences(report), style),
    ...labelledCommands("next", nextSteps(report, around), style),
  ];
}

/** The same for machines. Times in ms, shares in percent. */
export function putBackDocument(report: PutBackReport, around: AroundPutBack): Readonly<Record<string, unknown>> {
  const { outcome, emergency, tookMs, fencing, recorded, troubles } = report;
  const { release, app, environment, stable, candidate, fromShare, epoch, id, because, by, at } = emergency;
  return {
    type: outcome,
    release,
    app,
    environment,
    stable,
    candidate,
    fromSharePercent: fromShare / 100,
    sharePercent: shareNow(report),
    isReadBack: outcome !== "on-disk",
    tookMs,
    atMs: at,
    by,
    because: because.sentence,
    emergency: id,
    epoch,
    fencing,
    recorded: recorded === true,
    ...(recorded === true ? {} : { notRecorded: recorded }),
    actor: around.actor,
    unwritable: around.unwritable,
    troubles,
    sentence: sentenceOf(report),
    exitCode: around.exitCode,
  };
}

/** null: nobody can say. */
function shareNow({ outcome, emergency }: PutBackReport): number | null {
  if (outcome === "on-disk") return null;
  return outcome === "frozen" ? emergency.fromShare / 100 : 0;
}

function title(report: PutBackReport, style: Style): readonly string[] {
  const marks = symbols(style);
  const isGood = report.outcome === "put-back" || report.outcome === "already";
  const words = {
    "put-back": "PUT BACK:",
    already: "PUT BACK ALREADY:",
    frozen: "FROZEN, NOT PUT BACK:",
    "on-disk": "NOT READ BACK:",
  };
  const mark = isGood ? marks.passed : marks.failed;
  const first = `${mark} ${words[report.outcome]}`;
  return wrap(`${first} ${sentenceOf(report)}`, style.width, "  ").map((line, index) =>
    index === 0 && line.startsWith(first)
      ? paint(style, isGood ? "good" : "bad", first) + line.slice(first.length)
      : line,
  );
}

function sentenceOf({ outcome, emergency, tookMs }: PutBackReport): string {
  const stable = shortVersion(emergency.stable);
  const before = `${formatShare(emergency.fromShare)} on ${shortVersion(emergency.candidate)}`;
  switch (outcome) {
    case "put-back":
      return `100% on ${stable}, read back after ${formatDuration(tookMs)} (it was ${before}).`;
    case "already":
      return `all traffic is on ${stable}. ${emergency.because.sentence}`;
    case "frozen":
      return `${emergency.because.sentence} It stays at ${before}, and whoever acted can't change that.`;
    case "on-disk":
      return `The data plane answers nobody (it had ${before}). On the disk, with which it begins again, all traffic is on ${stable} now.`;
  }
}

function actorSentence({ actor, unwritable }: AroundPutBack, { outcome }: PutBackReport): string {
  if (actor === null) return "no engine is seen to act on this app";
  const who = `process ${actor.pid} (${actor.command})`;
  if (outcome === "on-disk") return who;
  const refused = actor.isStopped
    ? `${who} is stopped, not ended; when it goes on, it is refused and says so`
    : `${who} is refused from now on`;
  if (unwritable === null) return `${refused}; then it begins anew from here, as another engine would`;
  const why = IN_THE_WAY[unwritable];
  return isServing(actor)
    ? `${refused}; because ${why}, it waits until it can write its journal, and then begins anew from here`
    : `${refused}; because ${why}, it can't begin anew and ends with exit code 12`;
}

const IN_THE_WAY = {
  full: "the disk is full",
  closed: "the state folder can't be written",
} as const;

/** One that stays waits for its journal; a command in the foreground ends. */
function isServing({ command }: LockHolder): boolean {
  return /^tidegate serve\b/.test(command);
}

function fenceSentence({ outcome, emergency, fencing }: PutBackReport): string {
  const refusing = [
    ...(outcome === "on-disk" ? [] : ["the data plane"]),
    ...fencing.filter(({ isFenced }) => isFenced).map(({ name }) => name),
  ];
  const not = fencing.filter(({ isFenced }) => !isFenced).map(({ name, why }) => `not ${name}: ${why ?? ""}`);
  const who = refusing.length === 0 ? "nobody" : refusing.join(" and ");
  return [`${who} refuse${refusing.length > 1 ? "" : "s"} whoever acted before epoch ${emergency.epoch}`, ...not].join(
    "; ",
  );
}

function recordSentence({ outcome, recorded }: PutBackReport): string {
  if (recorded === true) return "in emergency.log; the next engine writes it into the journal, marked late";
  const why = `not in emergency.log: ${recorded.what}${recorded.cause === undefined ? "" : ` (${recorded.cause})`}`;
  return outcome === "on-disk" ? why : `${why} The data plane itself knows it, and tells the next engine.`;
}

function leftSentences({ outcome, emergency }: PutBackReport): readonly string[] {
  if (outcome === "frozen" || outcome === "on-disk") return [];
  return [
    `${shortVersion(emergency.candidate)} runs on without traffic; what the release changed beside, and its workers, are not put back yet`,
  ];
}

function nextSteps(
  { outcome, emergency }: PutBackReport,
  { actor, unwritable, folder }: AroundPutBack,
): readonly { command: string; does: string }[] {
  const { release } = emergency;
  if (outcome === "frozen")
    return [
      { command: "tidegate status", does: "how the instances of stable are; once they are well, the same again" },
      { command: "tidegate rollback --now --anyway", does: "puts everything on it all the same" },
      { command: `tidegate resume ${release}`, does: "goes on with the release, if you rather would" },
    ];
  if (outcome === "on-disk") return [{ command: "tidegate doctor", does: "looks what hangs" }];
  if (unwritable !== null && (actor === null || !isServing(actor)))
    return [
      unwritable === "full"
        ? { command: `df -h ${folder}`, does: "shows the disk that is full: make room on it first" }
        : { command: `ls -ld ${folder}`, does: "shows whose it is: give it to the user that releases" },
      ...(actor?.isStopped === true ? [{ command: `kill -9 ${actor.pid}`, does: "ends what can't go on" }] : []),
      { command: `tidegate attach ${release}`, does: "then finishes the rollback, in the order of undoing" },
    ];
  if (actor === null)
    return [{ command: `tidegate attach ${release}`, does: "finishes the rollback, in the order of undoing" }];
  if (!actor.isStopped)
    return [{ command: `tidegate status ${release} --follow`, does: "shows how it finishes the rollback" }];
  return [
    { command: `kill -CONT ${actor.pid}`, does: "lets it go on, and finish the rollback" },
    { command: `kill -9 ${actor.pid} ; tidegate attach ${release}`, does: "ends it, and finishes the rollback here" },
  ];
}
