import type { InstanceSeen } from "../../core/observation.ts";
import { isRunning } from "../../core/release/release.ts";
import { type Fault, FaultError } from "../../core/fault.ts";
import { lockHolder } from "../../local/lock-holder.ts";
import { confirm } from "../ask.ts";
import { answer, type Context } from "../context.ts";
import { type CommandDefinition, isGiven } from "../definition.ts";
import { DONE, type ExitCode } from "../exit-code.ts";
import type { LeftBalancers } from "../machinery.ts";
import { openReading, reach, readRelease } from "../session.ts";
import { findStrays } from "../strays.ts";
import { calledRelease } from "../verb.ts";
import { mustBeStateOf } from "../whose-state.ts";
import { journalFault } from "../without-journal.ts";

export const down: CommandDefinition = {
  about:
    "Stops every instance of the app in this environment, Tidegate's proxy and the keeper. Nothing answers its users then; an HAProxy of yours runs on, and goes its own way again. The journal, the prepared versions and the logs stay, and `tidegate release` starts it again.",
  arguments: [],
  options: [
    { flags: "--yes", about: "don't ask before it is done" },
    {
      flags: "--strays",
      about: "only instances of versions that no release here knows, and to which nobody is sent; the rest goes on",
    },
  ],
  examples: [
    { line: "tidegate down", does: "says what runs, asks once, stops it" },
    { line: "tidegate down --strays", does: "stops what a lost journal's release has left, and nothing that serves" },
  ],
  run: async (invocation) => {
    const { context } = invocation;
    const project = context.project();
    if (isGiven(invocation, "strays")) return await stopStrays(context, isGiven(invocation, "yes"));
    const unread = await mustBeFree(context).then(
      () => null,
      (error: unknown) => unlessUnreadable(context, error),
    );
    const instances = await context.machinery.runningInstances(project.state, null);
    const own = (instances ?? []).filter(({ state, adopted }) => state !== "exited" && !adopted);
    if (instances === null) {
      const sentence = "Nothing of it runs here.";
      return answer(context, { stopped: [], sentence }, [sentence]);
    }
    const doubt = unread === null ? "" : `${unread.what} Nobody knows whether a release runs.\n`;
    await confirm(context, `${doubt}${intent(own, project.environment)}`, isGiven(invocation, "yes"));
    const left = await context.machinery.stopEverything(project.state);
    const sentence = `Stopped ${counted(own.length)}${stoppedWith(left)} The data stays in ${project.state.path}.`;
    return answer(
      context,
      { stopped: own.map(({ id }) => id), dataStaysIn: project.state.path, sentence },
      [sentence, "Start it again: tidegate release"],
      DONE,
    );
  },
};

/** Faults: another-acts, state-foreign; journal-…, because nobody could say what is one. */
async function stopStrays(context: Context, isSure: boolean): Promise<ExitCode> {
  const { machinery, project } = context;
  const { state } = project();
  await using session = await openReading(context, project());
  const journal = session?.journal ?? null;
  const [newest] = (await journal?.releases()) ?? [];
  const release = newest === undefined || journal === null ? null : await readRelease(journal, newest);
  if (release !== null) mustBeStateOf(project(), release.app);
  const holder = release === null ? lockHolder(state.file("actor.lock")) : null;
  // It may act by a journal that is not there any more: then nobody else knows what it starts.
  if (holder !== null) throw stillActs(holder.pid, holder.command);
  const found = await findStrays(context, journal);
  if (found.length === 0) {
    const sentence = "No instance runs that no release here knows, and that nobody is sent to.";
    return answer(context, { stopped: [], sentence }, [sentence]);
  }
  const names = found.map(({ id }) => id).join(", ");
  await confirm(
    context,
    `Stops ${counted(found.length)} that no release here knows (${names}). What serves goes on.`,
    isSure,
  );
  // Somebody may have taken a while to answer, and released one of them meanwhile.
  const still = new Set((await findStrays(context, journal)).map(({ id }) => id));
  const ids = found.map(({ id }) => id).filter((id) => still.has(id));
  await machinery.stopInstances(state, ids);
  const sentence = `Stopped ${counted(ids.length)}: ${ids.join(", ")}.`;
  return answer(context, { stopped: ids, sentence }, [sentence], DONE);
}

/** Stopping the ground under an engine's feet would look like a crash to it. Faults: another-acts, release-running, state-foreign. */
async function mustBeFree(context: Context): Promise<void> {
  const actor = (await reach(context.project().state))?.identity ?? null;
  if (actor !== null) throw stillActs(actor.pid, actor.kind === "serve" ? "tidegate serve" : null);
  await using session = await openReading(context, context.project());
  if (session === null) return;
  const [newest] = await session.journal.releases();
  const release = newest === undefined ? null : await readRelease(session.journal, newest);
  if (release !== null) mustBeStateOf(context.project(), release.app);
  if (release === null || !isRunning(release)) return;
  throw new FaultError({
    code: "release-running",
    what: `${calledRelease(release).replace(/^r/, "R")} has not ended, so it would come back half.`,
    fix: `tidegate rollback ${release.id}, or tidegate attach ${release.id}; then: tidegate down`,
  });
}

/**
 * What is to be stopped needs no journal: one that can't be read must keep nobody from it, as long as nobody acts and it
 * is this app's. Answers why it can't be read. Faults: another-acts, state-foreign, and whatever else it was.
 */
async function unlessUnreadable(context: Context, error: unknown): Promise<Fault> {
  const fault = journalFault(error);
  if (fault === null) throw error;
  const { state } = context.project();
  const holder = lockHolder(state.file("actor.lock"));
  if (holder !== null) throw stillActs(holder.pid, holder.command);
  const table = (await context.machinery.dataPlane(state))?.table ?? null;
  if (table !== null) mustBeStateOf(context.project(), table.app);
  return fault;
}

function stillActs(pid: number, command: string | null): FaultError {
  return new FaultError({
    code: "another-acts",
    what: `An engine acts on this app: process ${pid}${command === null ? "" : `, ${command}`}.`,
    fix: `end it first (kill ${pid}, or systemctl stop where it is a service), then: tidegate down`,
  });
}

function intent(instances: readonly InstanceSeen[], environment: string): string {
  const names = instances.map(({ id }) => id).join(", ");
  return `Stops ${counted(instances.length)} of ${environment}${names === "" ? "" : ` (${names})`}, Tidegate's proxy and the keeper: none of these answers its users then. Data stays.`;
}

function stoppedWith(left: LeftBalancers | null): string {
  if (left === null) return ", the data plane and the keeper.";
  const names = left.names.join(" and ");
  return left.isTold
    ? ` and the keeper. HAProxy at ${names} runs on, and sends requests its own way again (\`default_backend\`).`
    : ` and the keeper. HAProxy at ${names} is left as it is, and not every one has heard that nobody is to be sent to these any more: tidegate haproxy check.`;
}

function counted(count: number): string {
  return `${count} ${count === 1 ? "instance" : "instances"}`;
}
