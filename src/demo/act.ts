import { newsOf } from "./show/news-of.ts";
import type { Plot } from "./plot.ts";
import { type ReleaseEnd, type ReleaseWatch, runRelease, statusOfVersion } from "./release-run.ts";
import { type Scene, shareIn, type VersionName, withAct } from "./show/scene.ts";
import type { Document } from "./tidegate-process.ts";
import { unlessStopped, within } from "./waiting.ts";

/** A release that takes longer than this is not going to end by itself. */
const ACT_MS = 150_000;

/** Releases a version and tells the board of it, until the release ends or is not going to end by itself. */
export async function act(
  plot: Plot,
  version: VersionName,
  onDocument: (document: Document) => void = () => undefined,
): Promise<ReleaseEnd> {
  const { board, tidegate, signal } = plot;
  board.change((scene) => withAct(scene, version, "running"));
  const run = runRelease(tidegate, version, watchFor(plot, version, onDocument), signal);
  plot.release = run;
  try {
    const end = await unlessStopped(within(ACT_MS, run.ended), signal);
    return end === "late" ? { status: await statusOfVersion(tidegate, version), fault: null } : end;
  } finally {
    plot.release = null;
    board.change((scene) => ({ ...scene, status: null, isUnattended: false }));
  }
}

function watchFor({ board }: Plot, version: VersionName, onDocument: (document: Document) => void): ReleaseWatch {
  let decidedAt: number | null = null;
  return {
    onDocument(document) {
      board.document(document);
      if (document["type"] === "rollback-decided") decidedAt = Number(document["atMs"]);
      const news = newsOf(document, board.scene, version, decidedAt);
      board.change((scene) => afterDocument(scene, document, version));
      if (news !== null) board.tell(news);
      onDocument(document);
    },
    onTakenUp() {
      board.change((scene) => ({ ...scene, isUnattended: true }));
      board.tell({ tone: "warn", sentence: `The controller of ${version}'s release is gone; another one is started.` });
    },
  };
}

/** What a line of a release changes in the scene. */
function afterDocument(before: Scene, document: Document, version: VersionName): Scene {
  const scene = before.isUnattended ? { ...before, isUnattended: false } : before;
  if (document["type"] === "release-planned" && scene.serving !== null) return { ...scene, candidate: version };
  const share = shareIn(document);
  if (share === null) return scene;
  return scene.serving === null ? { ...scene, serving: version } : { ...scene, sharePercent: share };
}
