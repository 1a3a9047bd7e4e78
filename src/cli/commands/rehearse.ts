import { resolve } from "node:path";
import { FaultError } from "../../core/fault.ts";
import { type CommandDefinition, type Invocation, isGiven, textOption } from "../definition.ts";
import { answer } from "../context.ts";
import type { Plan } from "../../core/plan/plan.ts";
import { DONE, type ExitCode, FAILED } from "../exit-code.ts";
import { mustBeWritten } from "../init/unknown-run.ts";
import { loadPlan } from "../plan-file.ts";
import { requirePlanFile } from "../project.ts";
import { cleanUp, rehearse as playRehearsal, removedSentence } from "../rehearse/rehearse.ts";
import { openRehearsalView } from "../rehearse/view.ts";
import { onInterrupt } from "../signals.ts";

const USUAL_RATE = 20;

export const rehearse: CommandDefinition = {
  about:
    "Runs the whole plan beside production, which is only read: the newest backup restored into a database of its own, the version that serves and the one to be released on free ports behind a proxy of their own, migrations, shares, a forced rollback, the release to its end, and the full recovery from the backup. Each step is measured, nothing is left behind, and the result is evidence that a checklist can ask for. Holds are shortened; nobody is asked or told anything; what was left out is named. Exit code 0: all of it worked; 12: it did not.",
  arguments: [
    {
      name: "version",
      required: false,
      about: "a commit, tag or branch, or what `prepare:` understands; by default HEAD",
    },
  ],
  options: [
    { flags: "--stable <version>", about: "what serves meanwhile; by default what the journal says" },
    {
      flags: "--requests <file>",
      about: "recorded requests (HAR, or a line of JSON each) instead of those that the plan knows of",
    },
    { flags: "--rate <number>", about: `requests a second (${USUAL_RATE})` },
    { flags: "--identity <file>", about: "for an encrypted backup: a file with a secret key of age" },
    { flags: "--clean", about: "run nothing: only take away what rehearsals that were killed have left" },
    { flags: "--keep", about: "leave journal and logs of the sandbox there until the next rehearsal" },
  ],
  examples: [
    { line: "tidegate rehearse", does: "HEAD beside what serves" },
    { line: "tidegate rehearse v2.4.0 --json | tail -1", does: "the result alone, for a script" },
  ],
  run: async (invocation) => {
    const { context } = invocation;
    const project = context.project();
    requirePlanFile(project);
    const { plan } = await loadPlan(context, project);
    mustBeWritten(plan);
    if (isGiven(invocation, "clean")) return await clean(invocation, plan);
    using interruption = onInterrupt();
    using view = openRehearsalView(context);
    const { rehearsal, path } = await playRehearsal(
      context,
      {
        project,
        plan,
        version: invocation.arguments[0] ?? "HEAD",
        stable: textOption(invocation, "stable"),
        requests: requestsFile(invocation),
        perSecond: rateOf(invocation),
        identity: textOption(invocation, "identity") ?? null,
        keep: isGiven(invocation, "keep"),
        signal: interruption.signal,
      },
      view,
    );
    view.end(rehearsal, path);
    return rehearsal.passed ? DONE : FAILED;
  },
};

async function clean({ context }: Invocation, plan: Plan): Promise<ExitCode> {
  const project = context.project();
  const removed = await cleanUp(context, project, plan);
  const lines = removed.length === 0 ? ["No rehearsal has left anything."] : removed.map(removedSentence);
  return answer(context, { removed }, lines, removed.every(({ trouble }) => trouble === null) ? DONE : FAILED);
}

function requestsFile(invocation: Invocation): string | undefined {
  const file = textOption(invocation, "requests");
  return file === undefined ? undefined : resolve(invocation.context.cwd, file);
}

/** Faults: usage. */
function rateOf(invocation: Invocation): number {
  const written = textOption(invocation, "rate");
  const rate = written === undefined ? USUAL_RATE : Number(written);
  if (rate > 0 && rate <= 1_000) return rate;
  throw new FaultError({
    code: "usage",
    what: `"${written ?? ""}" is no number of requests a second, up to 1000.`,
    where: "--rate",
    fix: `--rate ${USUAL_RATE}`,
  });
}
