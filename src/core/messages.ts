import type { Message } from "./effect.ts";
import { effectKey } from "./effect.ts";
import type { ReleaseEvent } from "./event.ts";
import type { Moment } from "./time.ts";
import type { Release } from "./release.ts";
import { fullStop } from "./plain-text.ts";
import { formatShare } from "./share.ts";

/** How often a message is tried before it is given up. */
export const MESSAGE_TRIES = 5;
const BACKOFF_MS = 10_000;

/** Messages to people that are due and not yet requested, each once. They block nothing. */
export function decideMessages(release: Release, now: Moment): readonly ReleaseEvent[] {
  if (release.plan.notify.length === 0) return [];
  return dueMessages(release).flatMap(([name, message]): readonly ReleaseEvent[] => {
    const sent = release.messages[name];
    if (sent !== undefined) {
      const again =
        sent.state === "interrupted" ||
        (sent.state === "failed" &&
          sent.try < MESSAGE_TRIES &&
          Math.abs(now.wall - (sent.endedAt?.wall ?? 0)) >= BACKOFF_MS);
      if (!again) return [];
    }
    return [
      {
        type: "effect-requested",
        key: effectKey(release.id, "message", 1, name),
        within: { kind: "message" },
        name,
        try: (sent?.try ?? 0) + 1,
        effect: { kind: "notify", message, to: release.plan.notify },
        inverse: null,
      },
    ];
  });
}

function dueMessages(release: Release): readonly (readonly [string, Message])[] {
  const title = `${release.app} ${release.stable?.label ?? "(nothing)"} → ${release.candidate.label} ${release.environment}`;
  const due: (readonly [string, Message])[] = [];
  const add = (name: string, message: Omit<Message, "title">): void => void due.push([name, { title, ...message }]);
  if (release.startedAt !== null)
    add("started", {
      topic: "started",
      sentence: `Release ${release.id} started by ${release.by}.`,
      command: `tidegate status ${release.id}`,
    });
  if (release.hold?.needsPerson === true)
    add(`held-${release.holds}`, {
      topic: "needs-person",
      sentence: fullStop(release.hold.because.sentence),
      command: `tidegate status ${release.id}`,
    });
  if (release.liveAt !== null) add("live", { topic: "live", sentence: `${release.candidate.label} is live.` });
  if (release.undo !== null && release.state === "rolled-back") {
    add("rolled-back", {
      topic: "rolled-back",
      sentence: `Rolled back at ${formatShare(release.undo.fromShare)}: ${fullStop(release.undo.because.sentence)}`,
      command: `tidegate status ${release.id}`,
    });
  }
  if (release.state === "failed" && release.fault !== null)
    add("failed", { topic: "failed", sentence: release.fault.what, command: `tidegate status ${release.id}` });
  return due;
}
