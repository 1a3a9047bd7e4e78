import type { AlertStatus } from "../../core/status/people-told.ts";
import type { Status } from "../../core/status/status.ts";
import { fullStop } from "../../core/text/plain-text.ts";
import { formatDuration } from "../../core/time/time.ts";

/** Who looks after what lasts, and which messages did not come where they should. */
export function peopleNotes({ release, alerts, untold }: Status, now: number): readonly string[] {
  const open = alerts.filter(({ acknowledged, escalatesAtMs }) => acknowledged === null && escalatesAtMs !== null);
  const taken = alerts.flatMap(({ acknowledged }) => acknowledged ?? []);
  const [first] = open;
  const [by] = taken;
  return [
    ...(first === undefined ? [] : [calledSentence(release, first, now)]),
    ...(by === undefined
      ? []
      : [
          `${by.by} looks after it since ${formatDuration(now - by.atMs)}${by.reason === undefined ? "." : `: ${fullStop(by.reason)}`}`,
        ]),
    ...untold.map(
      ({ receiver, topic, sentence, tries, isTriedAgain }) =>
        `Not told, ${receiver} of "${topic}": ${sentence} ${isTriedAgain ? "It is tried again." : `Nobody tries again (${tries} ${tries === 1 ? "try" : "tries"}).`}`,
    ),
  ];
}

function calledSentence(release: number, { escalatesAtMs, hasEscalated }: AlertStatus, now: number): string {
  const left = formatDuration(Math.max(0, (escalatesAtMs ?? now) - now));
  const then = hasEscalated ? "somebody else was called" : `in ${left} somebody else is called`;
  return `Somebody was called, and nobody has acknowledged it yet; ${then}. To look after it: tidegate ack ${release}`;
}
