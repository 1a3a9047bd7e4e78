import type { Emergency } from "../core/release/emergency.ts";
import type { Release } from "../core/release/release.ts";
import type { TrafficState } from "../core/traffic/routing.ts";
import type { Status } from "../core/status/status.ts";
import type { LockHolder } from "../local/lock-holder.ts";
import type { Context } from "./context.ts";
import { isOver } from "./follow.ts";
import { holderLine, holderOf } from "./lock-kept.ts";
import { emergencyLine, labelOf } from "./render/emergency-line.ts";
import { lastSign, unwatchedSentence } from "./render/unwatched.ts";
import { untoldEmergencies } from "./untold.ts";

/** What is true of a release and stands in no journal, because no engine answers. */
export interface Unseen {
  readonly document: { readonly emergencies: readonly Emergency[]; readonly holder: LockHolder | null };
  /** null: nothing more is to be said than of any release that nobody acts on. */
  readonly notes: readonly string[] | null;
}

export const NOTHING_UNSEEN: Unseen = { document: { emergencies: [], holder: null }, notes: null };

/** Asked where nobody answers: was traffic put back in an emergency, and does a process that hangs keep the right to act? */
export async function lookUnseen(
  context: Context,
  release: Release,
  status: Status,
  plane: TrafficState | null = null,
): Promise<Unseen> {
  const emergencies = await untoldEmergencies(context, release);
  const holder = holderOf(context);
  const document = { emergencies, holder };
  if (emergencies.length === 0 && (holder === null || isOver(status))) return { document, notes: null };
  return {
    document,
    notes: [
      ...emergencies.map((each) => untoldLine(each, release)),
      holderLine(holder, release.id),
      ...(emergencies.length === 0
        ? [lastSign(status, release, plane), ...unwatchedSentence(status, release, plane)]
        : []),
    ],
  };
}

function untoldLine(emergency: Emergency, release: Release): string {
  const line = emergencyLine(emergency, (version) => labelOf(release, version));
  return `${line.charAt(0).toUpperCase()}${line.slice(1)}. The journal does not know it yet.`;
}
