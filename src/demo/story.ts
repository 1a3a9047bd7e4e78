import { setTimeout as delay } from "node:timers/promises";
import { describeFault, FaultError } from "../core/fault.ts";
import type { Status } from "../core/status.ts";
import type { Board } from "./board.ts";
import { mend } from "./breakages.ts";
import { type LoadProcess, startLoad } from "./load-process.ts";
import type { LoadReport } from "./load-report.ts";
import { newsOf } from "./news-of.ts";
import { type ReleaseEnd, type ReleaseRun, runRelease, statusOfVersion } from "./release-run.ts";
import type { Played, Showing } from "./result.ts";
import { USUAL_LOAD } from "./run-load.ts";
import { type Ending, type Scene, shareIn, type VersionName, withAct } from "./scene.ts";
import type { Stage } from "./stage.ts";
import type { Document, Tidegate } from "./tidegate-process.ts";

/** What the story needs, and what of it runs now for others to break or to end. */
export interface Plot {
  readonly stage: Stage;
  readonly tidegate: Tidegate;
  readonly board: Board;
  /** Aborted when the demo is to stop; its reason is thrown. */
  readonly signal: AbortSignal;
  load: LoadProcess | null;
  release: ReleaseRun | null;
}

/** A release that takes longer than this is not going to end by itself. */
const ACT_MS = 150_000;
const PUT_BACK_MS = 45_000;
/** How long customers come after the last release, so that a late request to v3 would be seen. */
const EPILOGUE_MS = 2_000;

/** Plays the three releases under load. Throws the signal's reason, or a FaultError when it can't even begin. */
export async function playStory(plot: Plot): Promise<Played> {
  const troubles: string[] = [];
  await opening(plot);
  const good = await showing(plot, "v2", troubles);
  const bad = await showing(plot, "v3", troubles);
  await unlessStopped(delay(EPILOGUE_MS), plot.signal);
  return { good, bad, report: await lastCount(plot, troubles), troubles };
}

/** The first version starts, and customers come as soon as the front door answers. */
async function opening(plot: Plot): Promise<void> {
  const { board, stage } = plot;
  const end = await act(plot, "v1", (document) => {
    if (shareIn(document) !== 100 || plot.load !== null) return;
    const { requestsPerSecond, webSockets } = USUAL_LOAD;
    plot.load = startLoad({ ...USUAL_LOAD, url: stage.url, store: stage.store }, (second) => board.second(second));
    board.tell({
      tone: "plain",
      sentence: `Customers come: ${requestsPerSecond} requests a second and ${webSockets} WebSockets, from a process of their own.`,
    });
  });
  if (endingOf(end.status) === "promoted") return;
  throw new FaultError({
    code: "demo-not-begun",
    what: "The demo's first version did not start, so there is nothing to show.",
    where: stage.shop,
    cause: end.fault === null ? (end.status?.sentence ?? "Tidegate ended without a word") : describeFault(end.fault),
    fix: "tidegate doctor",
  });
}

async function showing(plot: Plot, version: VersionName, troubles: string[]): Promise<Showing> {
  const { board, stage, tidegate } = plot;
  let end = await act(plot, version);
  let ending = endingOf(end.status);
  const { broken } = board.scene;
  if (end.fault !== null) troubles.push(`Tidegate could not carry ${version} to its end: ${end.fault.what}`);
  if (ending === "held") {
    // The next version can't be shown before this one is out of the way.
    board.tell({ tone: "warn", sentence: `${version} waits for a person, so it is put back by hand.` });
    const putBack = tidegate.run(["rollback", "--yes", "--reason", "the demo goes on"]).ended;
    await unlessStopped(within(PUT_BACK_MS, putBack), plot.signal);
    end = { ...end, status: end.status ?? (await statusOfVersion(tidegate, version)) };
  }
  mend(stage);
  board.change((scene) => ({
    ...withAct(scene, version, ending),
    serving: ending === "promoted" ? version : scene.serving,
    candidate: null,
    sharePercent: 0,
    status: null,
    broken: [],
  }));
  return { ending, status: end.status, broken };
}

/** Releases a version and tells the board of it, until the release ends or will not end by itself. */
async function act(
  plot: Plot,
  version: VersionName,
  onDocument: (document: Document) => void = () => undefined,
): Promise<ReleaseEnd> {
  const { board, tidegate, signal } = plot;
  board.change((scene) => withAct(scene, version, "running"));
  let decidedAt: number | null = null;
  const run = runRelease(tidegate, version, {
    onDocument(document) {
      board.document(document);
      if (document["type"] === "rollback-decided") decidedAt = Number(document["atMs"]);
      const news = newsOf(document, board.scene, version, decidedAt);
      board.change((scene) => afterDocument(scene, document, version));
      if (news !== null) board.tell(news);
      onDocument(document);
    },
    onTakenUp: () =>
      board.tell({ tone: "warn", sentence: `The controller of ${version}'s release is gone; another one is started.` }),
  });
  plot.release = run;
  try {
    const end = await unlessStopped(within(ACT_MS, run.ended), signal);
    if (end !== "late") return end;
    return { status: await statusOfVersion(tidegate, version), fault: null };
  } finally {
    plot.release = null;
    if (version === "v1") board.change((scene) => ({ ...withAct(scene, "v1", "promoted"), status: null }));
  }
}

/** What a line of a release changes in the scene. */
function afterDocument(scene: Scene, document: Document, version: VersionName): Scene {
  const share = shareIn(document);
  if (document["type"] === "release-planned" && scene.serving !== null) return { ...scene, candidate: version };
  if (share === null) return scene;
  return scene.serving === null ? { ...scene, serving: version } : { ...scene, sharePercent: share };
}

export function endingOf(status: Status | null): Ending {
  switch (status?.state) {
    case undefined:
      return "not-released";
    case "closed":
    case "live":
      return "promoted";
    case "rolled-back":
      return "rolled-back";
    case "failed":
      return "failed";
    case "planned":
    case "running":
    case "rolling-back":
      return "held";
  }
}

async function lastCount(plot: Plot, troubles: string[]): Promise<LoadReport | null> {
  const { load } = plot;
  if (load === null) return null;
  try {
    return await unlessStopped(load.stop(), plot.signal);
  } catch (error) {
    plot.signal.throwIfAborted();
    troubles.push(
      error instanceof FaultError ? `${error.fault.what} ${error.fault.cause ?? ""}`.trim() : String(error),
    );
    return null;
  }
}

/** The promise, or the reason of the signal, whichever comes first. */
export async function unlessStopped<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  signal.throwIfAborted();
  const stopped = Promise.withResolvers<never>();
  const stop = (): void => stopped.reject(signal.reason as Error);
  signal.addEventListener("abort", stop, { once: true });
  try {
    return await Promise.race([work, stopped.promise]);
  } finally {
    signal.removeEventListener("abort", stop);
    // Nobody waits for it any more when the signal has won.
    work.catch(() => undefined);
  }
}

export async function within<T>(ms: number, work: Promise<T>): Promise<T | "late"> {
  const timer = new AbortController();
  try {
    return await Promise.race([work, delay(ms, "late" as const, { signal: timer.signal })]);
  } finally {
    timer.abort();
  }
}
