import type { Status } from "../../core/status/status.ts";
import type { Instant } from "../../core/time/time.ts";
import type { LoadSecond } from "../load-report.ts";
import type { Document } from "../tidegate-process.ts";

/** How a version's release came out. `held`: it waits for a person; `not-released`: it never began. */
export type Ending = "promoted" | "rolled-back" | "held" | "failed" | "not-released";

export type VersionName = "v1" | "v2" | "v3";

/** One of the three releases that are shown. */
export interface Act {
  readonly version: VersionName;
  readonly about: string;
  readonly state: "waiting" | "running" | Ending;
}

/** What breaks when a key is pressed. */
export type Breakage = "errors" | "slowness" | "crash";

/** Everything that a picture of the demo shows. */
export interface Scene {
  readonly startedAt: Instant;
  readonly url: string;
  readonly acts: readonly Act[];
  /** Gets what the candidate does not get. */
  readonly serving: VersionName | null;
  readonly candidate: VersionName | null;
  /** The candidate's share, as the data plane confirmed it. */
  readonly sharePercent: number;
  /** Of the release under way, with the moment of that answer. */
  readonly status: { readonly at: Instant; readonly value: Status } | null;
  /** The newest last. */
  readonly seconds: readonly LoadSecond[];
  readonly news: readonly News[];
  /** Pressed for the candidate, in this order. */
  readonly broken: readonly Breakage[];
  /** When the candidate was first told to crash; null: it was not. */
  readonly crashesSince: Instant | null;
  /** The process that carried the release was killed, and no other one acts yet. */
  readonly isUnattended: boolean;
  readonly isStopping: boolean;
}

/** Something that happened, in one sentence. */
export interface News {
  readonly at: Instant;
  readonly tone: "plain" | "good" | "bad" | "warn";
  readonly sentence: string;
}

const SECONDS_KEPT = 60;
const NEWS_KEPT = 20;

export function openingScene(url: string, startedAt: Instant): Scene {
  return {
    startedAt,
    url,
    acts: [
      { version: "v1", about: "the first version", state: "waiting" },
      { version: "v2", about: "a good version", state: "waiting" },
      { version: "v3", about: "a bad version", state: "waiting" },
    ],
    serving: null,
    candidate: null,
    sharePercent: 0,
    status: null,
    seconds: [],
    news: [],
    broken: [],
    crashesSince: null,
    isUnattended: false,
    isStopping: false,
  };
}

export function withAct(scene: Scene, version: VersionName, state: Act["state"]): Scene {
  return { ...scene, acts: scene.acts.map((act) => (act.version === version ? { ...act, state } : act)) };
}

export function withSecond(scene: Scene, second: LoadSecond): Scene {
  return { ...scene, seconds: [...scene.seconds, second].slice(-SECONDS_KEPT) };
}

export function withNews(scene: Scene, news: News): Scene {
  return { ...scene, news: [...scene.news, news].slice(-NEWS_KEPT) };
}

/** The candidate's share after a line of its release's; null: the line does not change it. */
export function shareIn(document: Document): number | null {
  if (document["type"] !== "effect-confirmed") return null;
  const observed = document["observed"] as { readonly sharePercent?: number } | null;
  return observed?.sharePercent ?? null;
}
