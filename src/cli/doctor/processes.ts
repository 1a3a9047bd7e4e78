import { withoutFullStop } from "../../core/text/plain-text.ts";
import type { Slot } from "../../core/observation.ts";
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { faultOf } from "../../core/fault.ts";
import type { Plan } from "../../core/plan/plan.ts";
import { comesFromGit, isStartedByLine } from "../../core/plan/service.ts";
import type { TrafficState } from "../../core/traffic/routing.ts";
import { formatShare } from "../../core/traffic/share.ts";
import type { Context } from "../context.ts";
import { NOBODY_IS_ANSWERED, START_PLANE } from "../cut-off.ts";
import { mustBePlaceOf } from "../../engine/whose-place.ts";
import { isOver } from "../follow.ts";
import { lookAtInstances } from "../look-at-instances.ts";
import { missingInstances, missingWords, START_MISSING } from "../missing-instances.ts";
import type { Outside } from "../machinery.ts";
import { holderOf } from "../lock-kept.ts";
import { journalStatus, openReading, readRelease } from "../session.ts";
import { findStrays, STOP_STRAYS } from "../strays.ts";
import { missingJournal } from "../without-journal.ts";
import { dataPlaneNotes } from "../render/data-plane.ts";
import { type Finding, found } from "./finding.ts";

/** Whether versions can be made: HEAD is known, and the files that are not in git lie here. */
export async function lookAtVersions(context: Context, plan: Plan, { runtime }: Outside): Promise<readonly Finding[]> {
  const { folder } = context.project();
  const missing = plan.services
    .filter(isStartedByLine)
    .flatMap(({ runtime: { files } }) => files)
    .filter((file, index, all) => all.indexOf(file) === index && !existsSync(join(folder, file)));
  return [
    await lookAtHead(plan, runtime),
    prepared(context),
    ...missing.map((file) =>
      found(
        "files",
        "bad",
        `${file} is named in \`files\` and does not lie in ${folder}`,
        "make it, or remove it from `files`",
      ),
    ),
  ];
}

/** Where every service has a `prepare:` line, versions are what that line understands, and git need know nothing. */
async function lookAtHead({ services }: Plan, runtime: Outside["runtime"]): Promise<Finding> {
  if (!services.some(comesFromGit))
    return found("version", "info", "each is made by `prepare:`; name one: tidegate release VERSION");
  return runtime.resolve("HEAD").then(
    ({ label }) => found("version", "ok", `HEAD is ${label}`),
    (error: unknown) => {
      const { what, fix } = faultOf(error, "unknown-version", "HEAD is no version.");
      return found("version", "bad", withoutFullStop(what), fix);
    },
  );
}

/** A version that is prepared starts at once; the others are built first. Each has a marker beside its folder. */
function prepared(context: Context): Finding {
  const folder = context.project().state.file("versions");
  const count = existsSync(folder) ? readdirSync(folder).filter((name) => name.endsWith(".json")).length : 0;
  return found("prepared", "info", count === 0 ? "no version yet" : `${count} ${count === 1 ? "version" : "versions"}`);
}

/** `isMissed`: instances that visitors are sent to run without one. */
export function lookAtPlane(plane: TrafficState | null, fault: string | null, isMissed: boolean): Finding {
  if (fault !== null)
    return found(
      "data plane",
      "bad",
      fault,
      "its log is logs/proxy.log in the state folder; tidegate down, then tidegate release",
    );
  if (isMissed) return found("data plane", "bad", NOBODY_IS_ANSWERED, START_PLANE);
  if (plane === null) return found("data plane", "info", "does not run; the first release starts it");
  const { table } = plane;
  if (table === null || (table.stable === null && table.candidate === null))
    return found("data plane", "info", `process ${plane.pid}, with no version to send requests to yet`);
  const sick = Object.entries(plane.endpoints)
    .filter(([, { healthy }]) => !healthy)
    .map(([id]) => id);
  const shares = `${table.stable?.version.slice(0, 8) ?? "nothing"}${table.candidate === null ? "" : `, ${formatShare(table.share)} on ${table.candidate.version.slice(0, 8)}`}`;
  const returned = plane.returnedAt === null ? "" : "; it went back to stable by itself, because nobody watched";
  const killed = dataPlaneNotes(plane, 0, Date.now()).map((note) => `; ${withoutFullStop(note)}`);
  return sick.length === 0
    ? found("data plane", "ok", `process ${plane.pid}, sends to ${shares}${returned}${killed.join("")}`)
    : found("data plane", "warn", `process ${plane.pid}, finds ${sick.join(", ")} not ready`, "tidegate status");
}

/** Nothing where it is this app's, or nobody's yet. */
export async function lookAtOwner(context: Context, plan: Plan, { traffic }: Outside): Promise<readonly Finding[]> {
  try {
    await using session = await openReading(context, context.project());
    if (session !== null) await mustBePlaceOf({ journal: session.journal, traffic }, plan);
    return [];
  } catch (error) {
    const { code, what, fix } = faultOf(error, "journal-unavailable", "The journal can't be read.");
    // What else may be wrong with the journal is told where the engine is looked for.
    return code === "state-foreign" ? [found("state", "bad", withoutFullStop(what), fix)] : [];
  }
}

/** Who acts, and whether something waits for somebody to act. */
export async function lookAtEngine(context: Context): Promise<readonly Finding[]> {
  try {
    return await askForEngine(context);
  } catch (error) {
    const { what, fix } = faultOf(error, "journal-unavailable", "The journal can't be read.");
    return [found("journal", "bad", withoutFullStop(what), fix)];
  }
}

async function askForEngine(context: Context): Promise<readonly Finding[]> {
  await using session = await openReading(context, context.project());
  if (session === null) {
    const lost = await missingJournal(context);
    return [
      lost === null
        ? found("engine", "info", "nothing was released yet")
        : found("journal", "warn", withoutFullStop(lost.what), lost.fix),
    ];
  }
  const actor = session.actor();
  const [newest] = await session.journal.releases();
  const status = newest === undefined ? null : journalStatus(await readRelease(session.journal, newest));
  if (actor !== null && actor !== "here")
    return [
      found(
        "engine",
        "ok",
        `${actor.kind === "serve" ? "tidegate serve" : "a foreground command"} acts, process ${actor.pid}`,
      ),
    ];
  if (status === null || isOver(status) || status.state === "live")
    return [found("engine", "info", "nobody acts now; a release starts its own, and tidegate serve stays")];
  const holder = holderOf(context);
  if (holder !== null) {
    const { pid, command, isStopped } = holder;
    const orEnd = `kill -9 ${pid} ; then: tidegate attach ${status.release}`;
    return [
      found(
        "engine",
        "bad",
        `process ${pid} (${command}) acts and ${isStopped ? "is stopped" : "does not answer"}`,
        isStopped ? `kill -CONT ${pid} ; or ${orEnd}` : orEnd,
      ),
    ];
  }
  return [
    found(
      "engine",
      "bad",
      `nobody acts, and release ${status.release} has not ended`,
      `tidegate attach ${status.release}`,
    ),
  ];
}

export async function lookAtHealth(context: Context, plan: Plan): Promise<readonly Finding[]> {
  try {
    return [...(await askForHealth(context, plan)), ...(await lookForMissing(context))];
  } catch (error) {
    const { what, where, fix } = faultOf(error, "instances-unknown", "Nobody can say which instances run.");
    return [found("keeper", "bad", `${withoutFullStop(what)}: ${where ?? ""}`, fix)];
  }
}

/** By the newest release: nobody need act, so nobody else may have seen that something was stopped. */
async function lookForMissing(context: Context): Promise<readonly Finding[]> {
  await using session = await openReading(context, context.project());
  const [newest] = (await session?.journal.releases()) ?? [];
  const release = session === null || newest === undefined ? null : await readRelease(session.journal, newest);
  const status = release === null ? null : journalStatus(release);
  if (release === null || status === null) return [];
  const instances = (await context.machinery.runningInstances(context.project().state, release.plan)) ?? [];
  return missingInstances(status, release.plan.services, instances).map((each) =>
    found(each.service, "warn", missingWords(each), START_MISSING),
  );
}

/** What runs and belongs to nothing any more. */
export async function lookAtStrays(context: Context): Promise<readonly Finding[]> {
  try {
    await using session = await openReading(context, context.project());
    const strays = await findStrays(context, session?.journal ?? null);
    return strays.map(({ id, slot }) => found(id, "warn", whyStray(slot), STOP_STRAYS));
  } catch {
    // What is wrong with the journal or the keeper's record is told where these are looked at.
    return [];
  }
}

function whyStray(slot: Slot): string {
  return slot === "twin"
    ? "runs, a twin with which no release compares anything any more"
    : "runs, is of a version that no release here knows, and nobody is sent to it";
}

async function askForHealth(context: Context, plan: Plan): Promise<readonly Finding[]> {
  const instances = await lookAtInstances(context, plan);
  if (instances === null) return [found("keeper", "info", "does not run; the first release starts it")];
  const isThere = await context.machinery.isKeeperThere(context.project().state);
  const counted = `${instances.length} ${instances.length === 1 ? "instance" : "instances"}`;
  return [
    isThere
      ? found("keeper", "ok", `runs, with ${counted}`)
      : found(
          "keeper",
          "warn",
          `does not run; ${counted} ${instances.length === 1 ? "lives" : "live"} on without it`,
          "the next release or attach starts it, and it takes them over",
        ),
    ...instances
      .filter(({ health }) => health !== null)
      .map(({ instance: { id }, health }) =>
        health?.ok === true
          ? found(id, "ok", "ready")
          : found(
              id,
              "bad",
              `not ready: ${health?.text ?? ""}`,
              "tidegate status; its log is in logs/ of the state folder",
            ),
      ),
  ];
}
