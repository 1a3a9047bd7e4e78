import { setTimeout as delay } from "node:timers/promises";
import type { Fault } from "../core/fault.ts";
import type { Status } from "../core/status/status.ts";
import type { Document, Tidegate, TidegateEnd, TidegateProcess } from "./tidegate-process.ts";

/** One release of the demo, from `tidegate release` to its end, whoever carries it there. */
export interface ReleaseRun {
  readonly ended: Promise<ReleaseEnd>;
  /** kill -9 to the process that acts now; false when there is none. */
  killController(): boolean;
}

export interface ReleaseEnd {
  /** The last that is known of it; null: it never began. */
  readonly status: Status | null;
  /** Why Tidegate refused or gave up, when it said so. */
  readonly fault: Fault | null;
}

export interface ReleaseWatch {
  /** Each event line of each process that acts on it. */
  onDocument(document: Document): void;
  /** The process that acted is gone without a word, and another one goes on. */
  onTakenUp(): void;
}

/** A controller that dies again and again is not started for ever. */
const MOST_CONTROLLERS = 20;
const BETWEEN_CONTROLLERS_MS = 300;

/** Releases a version; when the process that acts is killed, attaches the release again until it ends, or the signal. */
export function runRelease(tidegate: Tidegate, version: string, watch: ReleaseWatch, signal: AbortSignal): ReleaseRun {
  let acting: TidegateProcess | null = null;

  const carryOut = async (): Promise<ReleaseEnd> => {
    let words: readonly string[] = ["release", version];
    for (let controllers = 1; controllers <= MOST_CONTROLLERS; controllers += 1) {
      acting = tidegate.run(words, (document) => watch.onDocument(document));
      const end = await acting.ended;
      acting = null;
      if (end.last?.["type"] === "status") return { status: end.last["status"] as Status, fault: null };
      if (signal.aborted) break;
      // Its last word may have been cut off: what is true is in the journal.
      const status = await statusOfVersion(tidegate, version);
      const fault = end.last?.["fault"];
      if (isAtItsEnd(status)) return { status, fault: null };
      if (fault !== undefined) return { status, fault: fault as Fault };
      if (status === null && isMute(end)) return { status, fault: endedMute(end) };
      await delay(BETWEEN_CONTROLLERS_MS);
      if (signal.aborted) break;
      watch.onTakenUp();
      words = status === null ? ["release", version] : ["attach", String(status.release)];
    }
    if (signal.aborted) return { status: null, fault: null };
    return { status: await statusOfVersion(tidegate, version), fault: TOO_MANY };
  };

  return {
    ended: carryOut(),
    killController() {
      acting?.kill("SIGKILL");
      return acting !== null;
    },
  };
}

/** It ended by itself before its first word: another one would do the same. */
function isMute({ last, signal }: TidegateEnd): boolean {
  return last === null && signal === null;
}

function endedMute({ code, complaint }: TidegateEnd): Fault {
  const what = code === null ? "Tidegate could not be started." : `Tidegate ended with ${code} and without a word.`;
  return { code: "controllers-died", what, ...(complaint === "" ? {} : { cause: complaint }) };
}

const TOO_MANY: Fault = {
  code: "controllers-died",
  what: `The process that carried the release out died ${MOST_CONTROLLERS} times.`,
};

/** Where the newest release stands if it is of this version; null: it is not, or nobody could say. */
export async function statusOfVersion(tidegate: Tidegate, version: string): Promise<Status | null> {
  const { last } = await tidegate.run(["status"]).ended;
  const status = (last?.["status"] ?? null) as Status | null;
  return status?.candidate.label === version ? status : null;
}

/** Whether nothing more comes of it. */
export function isAtItsEnd(status: Status | null): boolean {
  return status !== null && (status.state === "closed" || status.state === "rolled-back" || status.state === "failed");
}
