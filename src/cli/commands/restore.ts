import { lossSentence } from "../../core/backup/contents.ts";
import { faultOf } from "../../core/fault.ts";
import type { Plan } from "../../core/plan/plan.ts";
import { withoutFullStop } from "../../core/text/plain-text.ts";
import type { RestoreOutlook } from "../../ports/backups.ts";
import { appDatabase, DATABASE_OPTION } from "../app-database.ts";
import { confirm } from "../ask.ts";
import { answer, type Context } from "../context.ts";
import { type CommandDefinition, isGiven, textOption } from "../definition.ts";
import { DONE } from "../exit-code.ts";
import { backupProgress, extensionsSentence, restoredLines } from "../render/backup-view.ts";
import { instancesWithFile, refuseUnderInstances, withFileSentence } from "../instances-with-file.ts";
import { releaseThatRuns, type ReleaseThatRuns } from "../release-that-runs.ts";
import { wrap } from "../render/text.ts";
import { formatAge } from "../../core/time/time.ts";
import { onInterrupt } from "../signals.ts";
import { unlessInterrupted } from "./backup.ts";

export const restore: CommandDefinition = {
  about:
    "Brings a database back from a backup. It is restored beside what is there, compared with what was backed up, and takes its place by a rename at the very end: a restore that fails changes nothing, and what was there is kept under another name. Before that it says what will be lost (rows newer than the backup, by table), and who is connected and will be cut off, and asks.",
  arguments: [{ name: "backup", required: true, about: "its id, the beginning of it, or `newest`" }],
  options: [
    {
      flags: "--into <name>",
      about:
        "another database: a name on the same server, an address (`'${STAGING_URL}'` is taken from the environment), or the path of a file of SQLite",
    },
    { flags: "--identity <file>", about: "for an encrypted one: a file with a secret key of age" },
    { flags: "--no-owner", about: "leave out who owns what and who may do what, where the roles are not there" },
    { flags: "--dry-run", about: "only say what would be lost" },
    { flags: "--yes", about: "don't ask; what will be lost is still said" },
    DATABASE_OPTION,
  ],
  examples: [
    { line: "tidegate restore newest", does: "says what it takes back, and asks" },
    {
      line: "tidegate restore 20261122-061503 --into shop_yesterday",
      does: "beside the one that is there, to look at",
    },
    { line: "tidegate restore newest --dry-run", does: "changes nothing" },
  ],
  run: async (invocation) => {
    const { context } = invocation;
    const place = await appDatabase(invocation);
    const backups = await context.machinery.backups(place);
    using interruption = onInterrupt();
    const { signal } = interruption;
    const target = {
      backup: invocation.arguments[0] ?? "",
      into: textOption(invocation, "into") ?? null,
      identity: textOption(invocation, "identity") ?? null,
      signal,
      tell: backupProgress(context),
    };
    const outlook = await unlessInterrupted(signal, () => backups.outlook(target));
    const running = place.plan === null || target.into !== null ? null : await runningNow(context, place.plan);
    // What is put in nobody's place is in nobody's way.
    const beside = target.into !== null || outlook.way === "new" ? [] : await instancesWithFile(context, place);
    const sentences = [sentencesOf(outlook, beside), ...(running === null ? [] : [running.warning])].join("\n");
    const seen = {
      outlook,
      ...(running === null ? {} : { running }),
      ...(beside.length === 0 ? {} : { instances: beside }),
    };
    if (isGiven(invocation, "dryRun")) return answer(context, seen, wrap(sentences, context.terminal.style().width));
    refuseUnderInstances(beside, outlook.target);
    // Who has agreed beforehand is told what that was, and so is the log that nobody looks at before something is missing.
    if (isGiven(invocation, "yes")) tell(context, sentences);
    await confirm(context, sentences, isGiven(invocation, "yes"));
    const restored = await unlessInterrupted(signal, () =>
      backups.restore({ ...target, by: context.person, withoutOwners: invocation.options["owner"] === false }),
    );
    return answer(context, { ...seen, restored }, restoredLines(restored, context.terminal.style()), DONE);
  },
};

/** The database can be brought back also where nobody can read what runs; that it is not known is said. */
async function runningNow(
  context: Context,
  plan: Plan,
): Promise<ReleaseThatRuns | { readonly warning: string } | null> {
  try {
    return await releaseThatRuns(context, plan);
  } catch (error) {
    const { what } = faultOf(error, "journal-unavailable", "The journal can't be read.");
    return { warning: `Nobody knows whether a release runs: ${what}` };
  }
}

/** On the error output: with --json the result has it too, as `outlook`. */
function tell({ terminal }: Context, sentences: string): void {
  terminal.complain(wrap(sentences, terminal.style().width).join("\n"));
}

const MOST_TABLES = 12;

/** What a person agrees to. */
function sentencesOf(outlook: RestoreOutlook, beside: readonly string[]): string {
  const { extensionsLeftOut = [], target } = outlook;
  const lacks = extensionsLeftOut.length === 0 ? [] : [extensionsSentence(extensionsLeftOut, target, "will lack")];
  return [...passedOverWords(outlook), whatItDoes(outlook, beside), ...lacks].join("\n");
}

function passedOverWords({ passedOver = [] }: RestoreOutlook): readonly string[] {
  const [newest, ...others] = passedOver;
  if (newest === undefined) return [];
  const which =
    others.length === 0
      ? `The newest backup, ${newest.id}, is no good`
      : `The ${others.length + 1} newest backups are no good, ${newest.id} too`;
  return [`${which} (${withoutFullStop(newest.why.what)}): this is the newest of the others.`];
}

function whatItDoes(outlook: RestoreOutlook, beside: readonly string[]): string {
  const { record, target, way, losses, unreadable, clients, keptAs } = outlook;
  const age = formatAge(record.madeAt, Date.now());
  const what = `Restores backup ${record.id} (${age} old, of ${record.database.place}) into ${target}`;
  if (way === "new") return `${what}, which does not exist yet. Nothing is lost.`;
  if (way === "fill") return `${what}, which is empty. Nothing is lost.`;
  return [
    `${what}, in the place of what is there.`,
    ...(unreadable === undefined
      ? changesBy(losses)
      : [`What is there now can't be read (${withoutFullStop(unreadable)}): nobody can say what will be lost.`]),
    "What is written from now until it is over is lost too.",
    clients.length === 0 ? nobodyConnected(beside) : `Cut off for a moment: ${clients.join(", ")}.`,
    ...(keptAs === null ? [] : [`What is there now is kept as ${keptAs}.`]),
  ].join("\n");
}

function nobodyConnected(beside: readonly string[]): string {
  return beside.length === 0 ? "Nobody is connected." : withFileSentence(beside);
}

function changesBy(losses: RestoreOutlook["losses"]): readonly string[] {
  if (losses.length === 0) return ["No table has changed since."];
  const shown = losses.slice(0, MOST_TABLES).map((loss) => `  ${lossSentence(loss)}`);
  const more = losses.length > MOST_TABLES ? [`  and ${losses.length - MOST_TABLES} tables more`] : [];
  return ["What changes by that:", ...shown, ...more];
}
