import type { Fault } from "../../core/fault.ts";
import type { Status } from "../../core/status/status.ts";

/** A release as far as the documents of `tidegate release --json` have told it. */
export interface Story {
  readonly release: number | null;
  readonly app: string;
  readonly environment: string;
  readonly stable: string | null;
  readonly candidate: { readonly version: string; readonly label: string } | null;
  readonly sharePercent: number;
  /** It had a part of the traffic, now or before. */
  readonly hadTraffic: boolean;
  /** Why a person is needed; null: none is. */
  readonly waits: string | null;
  /** With which it ended. */
  readonly status: Status | null;
  /** It was refused, or broke off. */
  readonly fault: Fault | null;
}

export const UNTOLD: Story = {
  release: null,
  app: "",
  environment: "",
  stable: null,
  candidate: null,
  sharePercent: 0,
  hadTraffic: false,
  waits: null,
  status: null,
  fault: null,
};

/** What a document has changed that is worth telling. */
export type Turn = "begun" | "moved" | "waits" | "ended" | "refused";

interface Document {
  readonly type?: string;
  readonly release?: number;
  readonly app?: string;
  readonly environment?: string;
  readonly stable?: { readonly label: string } | null;
  readonly candidate?: { readonly version: string; readonly label: string };
  readonly observed?: { readonly sharePercent?: number };
  readonly needsPerson?: boolean;
  readonly sentence?: string;
  readonly status?: Status;
  readonly fault?: Fault;
}

/** The story with one more line of it; `turn` null: nothing that anybody outside must hear of. */
export function toldOn(story: Story, line: string): { readonly story: Story; readonly turn: Turn | null } {
  const document = documentOf(line);
  if (document === null) return { story, turn: null };
  const { type, status, fault, observed, sentence = "" } = document;
  if (type === undefined)
    return fault === undefined ? { story, turn: null } : { story: { ...story, fault }, turn: "refused" };
  switch (type) {
    case "release-planned":
      return {
        story: {
          ...story,
          release: document.release ?? null,
          app: document.app ?? "",
          environment: document.environment ?? "",
          stable: document.stable?.label ?? null,
          candidate: document.candidate ?? null,
        },
        turn: "begun",
      };
    case "effect-confirmed": {
      const share = observed?.sharePercent;
      if (share === undefined || share === story.sharePercent) return { story, turn: null };
      return {
        story: { ...story, sharePercent: share, hadTraffic: story.hadTraffic || share > 0, waits: null },
        turn: "moved",
      };
    }
    case "held":
      if (document.needsPerson !== true) return { story, turn: null };
      return { story: { ...story, waits: sentence }, turn: "waits" };
    case "hold-ended":
      return { story: { ...story, waits: null }, turn: null };
    case "status":
      return status === undefined ? { story, turn: null } : { story: { ...story, status }, turn: "ended" };
    default:
      return { story, turn: null };
  }
}

/** null: a line of something else. */
function documentOf(line: string): Document | null {
  if (!line.startsWith("{")) return null;
  try {
    return JSON.parse(line) as Document;
  } catch {
    return null;
  }
}
