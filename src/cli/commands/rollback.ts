import type { WayFurther } from "../../core/command/what-serves.ts";
import { FaultError } from "../../core/fault.ts";
import { type CommandDefinition, type Invocation, isGiven, textOption } from "../definition.ts";
import type { ExitCode } from "../exit-code.ts";
import { ACTS_ITSELF, VERB_OPTIONS } from "../verb-options.ts";

export const rollback: CommandDefinition = {
  about: `Puts everything back on the version before, and undoes what the release did, in the right order. It says beforehand what that is and how long it takes. Works on a release that is live or closed too. ${ACTS_ITSELF} With --now, for when everything else fails: gives all traffic to stable at once, with no engine, no journal, no plan file and no question, and leaves the rest to whoever acts next.`,
  arguments: [{ name: "id", required: false, about: "the release; by default the newest" }],
  options: [
    ...VERB_OPTIONS,
    { flags: "--now", about: "all traffic to stable, by the data plane alone; exit code 10 when it is there" },
    { flags: "--anyway", about: "with --now: to stable even where it does not answer as ready" },
    { flags: "--app <name>", about: "with --now: the app of that name on this machine, wherever you are" },
  ],
  examples: [
    { line: "tidegate rollback", does: "says what it would undo, asks once, does it" },
    { line: 'tidegate rollback 42 --yes --reason "checkout is broken"', does: "without a question, for scripts" },
    {
      line: "tidegate rollback --now --app shop",
      does: "an engine hangs, the disk is full: traffic back first, from any folder (or by --state), the rest later",
    },
  ],
  run: async (invocation) => {
    if (isGiven(invocation, "now")) {
      const { rollbackNow } = await import("../rollback-now.ts");
      return await rollbackNow(invocation);
    }
    mustBeMeantWithNow(invocation);
    return await rollBack(invocation).catch((error: unknown) => {
      throw withWayOut(error);
    });
  },
};

/** Loaded when it is needed: with --now every millisecond counts, and none of it is. */
async function rollBack(invocation: Invocation): Promise<ExitCode> {
  const [{ calledRelease, runVerb }, { nothingRuns, rollbackSentence }] = await Promise.all([
    import("../verb.ts"),
    import("../../core/decide/way-back.ts"),
  ]);
  return await runVerb(invocation, {
    release: invocation.arguments[0],
    // Never an older one: where the newest was put back by itself, that would take down what serves now.
    isMeant: () => true,
    command: () => ({ kind: "rollback" }),
    hindrance: async (release) => {
      const { machinery, project } = invocation.context;
      // Where nobody can say what runs, nothing is in the way: the traffic goes back all the same.
      const running = await machinery.runningInstances(project().state, release).catch(() => undefined);
      return running === undefined ? null : nothingRuns(release, running ?? []);
    },
    further: () => furtherBack(invocation),
    intent: (release) => `Rolls back ${calledRelease(release)}. ${rollbackSentence(release)}`,
  });
}

/** How many releases back it matters what serves. */
const LOOK_BACK = 10;

async function furtherBack({ context }: Invocation): Promise<WayFurther | null> {
  const [{ openReading, readRelease }, { placeBefore }, { wayFurther }] = await Promise.all([
    import("../session.ts"),
    import("../../engine/start-release.ts"),
    import("../../core/command/what-serves.ts"),
  ]);
  await using session = await openReading(context, context.project());
  if (session === null) return null;
  const { journal } = session;
  const ids = (await journal.releases()).slice(0, LOOK_BACK);
  const known = (await Promise.all(ids.map((id) => readRelease(journal, id)))).filter((each) => each !== null);
  const serving = placeBefore(known)?.version ?? null;
  const { machinery, project } = context;
  const instances = (await machinery.runningInstances(project().state, known[0] ?? null).catch(() => null)) ?? [];
  const runs = instances.some(({ version, state }) => version === serving && state !== "exited");
  return wayFurther(known, serving, runs);
}

/** Faults: usage. */
function mustBeMeantWithNow(invocation: Invocation): void {
  const alone = isGiven(invocation, "anyway")
    ? "--anyway"
    : textOption(invocation, "app") === undefined
      ? null
      : "--app";
  if (alone === null) return;
  throw new FaultError({
    code: "usage",
    what: `${alone} belongs to --now.`,
    fix: "tidegate rollback --help",
  });
}

const NEEDS_WAY_OUT = new Set([
  "journal-unavailable",
  "journal-damaged",
  "journal-gone",
  "another-acts",
  "engine-gone",
  "journal-missing",
  "state-not-writable",
]);

/** Where the ordinary way is closed, people are told of the other one. */
function withWayOut(error: unknown): unknown {
  if (!(error instanceof FaultError) || !NEEDS_WAY_OUT.has(error.fault.code)) return error;
  const { fix } = error.fault;
  const wayOut = "to put the traffic back now, without engine and journal: tidegate rollback --now";
  return new FaultError({ ...error.fault, fix: fix === undefined ? wayOut : `${wayOut}\n${fix}` }, { cause: error });
}
