import { fullStop } from "../../core/text/plain-text.ts";
import type { Fault } from "../../core/fault.ts";
import { formatDuration } from "../../core/time/time.ts";
import type { News, Scene, VersionName } from "./scene.ts";
import { shareIn } from "./scene.ts";
import type { Document } from "../tidegate-process.ts";

/** What each version is, for somebody who sees the shop for the first time. */
const ABOUT: Readonly<Record<VersionName, string>> = {
  v1: "nothing serves yet, so it simply starts",
  v2: "a good one, with a search and a day of delivery",
  v3: "a bad one: 3% of its requests fail and it slows down under load, but it passes every check",
};

/** What a line of a release means to somebody who watches the demo; null for what is no news to them. */
export function newsOf(
  document: Document,
  scene: Scene,
  version: VersionName,
  decidedAt: number | null,
): Omit<News, "at"> | null {
  const sentence = (name: string): string => text(document, name);
  switch (document["type"]) {
    case "release-planned":
      return plain(
        scene.serving === null
          ? `${version} is released: ${ABOUT[version]}.`
          : `${version} is released beside ${scene.serving}: ${ABOUT[version]}.`,
      );
    case "step-passed":
      return document["name"] === "warm" && scene.serving !== null
        ? plain(`${version} runs beside ${scene.serving}, smoke-tested and warm. No customer has seen it yet.`)
        : null;
    case "effect-confirmed":
      return shareNews(document, scene, version, decidedAt);
    case "held":
      return {
        tone: document["needsPerson"] === true ? "warn" : "plain",
        sentence: `${version} stays at ${number(document, "sharePercent")}%: ${fullStop(sentence("sentence"))}`,
      };
    case "rollback-decided":
      return { tone: "bad", sentence: `${version} is put back: ${fullStop(sentence("sentence"))}` };
    case "rolled-back":
      return { tone: "good", sentence: `${version} is stopped; ${scene.serving ?? "nothing"} serves as before.` };
    case "engine-took-over":
      return takeOver(document, scene);
    case "closed":
      return scene.serving === null || scene.serving === version
        ? null
        : { tone: "good", sentence: `${version} is live, and ${scene.serving} is retired.` };
    case "failed":
      return { tone: "bad", sentence: `${version} needs a person: ${(document["fault"] as Fault).what}` };
    default:
      return null;
  }
}

function shareNews(
  document: Document,
  scene: Scene,
  version: VersionName,
  decidedAt: number | null,
): Omit<News, "at"> | null {
  const share = shareIn(document);
  if (share === null) return null;
  if (decidedAt !== null) {
    const after = formatDuration(number(document, "atMs") - decidedAt);
    return plain(`Everybody is back on ${scene.serving ?? "nothing"}, ${after} after that decision.`);
  }
  if (scene.serving === null) return { tone: "good", sentence: `${version} serves at ${scene.url}` };
  if (share === 100) return plain(`Everybody gets ${version}; ${scene.serving} stands by, ready to take over.`);
  return plain(`${share}% of the customers get ${version}.`);
}

/** Only a release that somebody else had carried before is news. */
function takeOver(document: Document, { seconds }: Scene): Omit<News, "at"> | null {
  const awayMs = number(document, "awayMs");
  const isFirst = document["seq"] === 2;
  if (isFirst) return null;
  const failed = seconds.at(-1)?.totals.failedRequests;
  const requests = failed === undefined ? "" : ` Failed requests so far: ${failed}.`;
  return {
    tone: "good",
    sentence: `A new controller goes on with the release, after ${formatDuration(awayMs)} with none.${requests}`,
  };
}

function plain(sentence: string): Omit<News, "at"> {
  return { tone: "plain", sentence };
}

function text(document: Document, name: string): string {
  const value = document[name];
  return typeof value === "string" ? value : "";
}

function number(document: Document, name: string): number {
  const value = document[name];
  return typeof value === "number" ? value : Number.NaN;
}
