import { isEnded } from "../../core/release/release.ts";
import { statusOf } from "../../core/status/status.ts";
import type { Journal } from "../../ports/journal.ts";
import { answer } from "../context.ts";
import type { CommandDefinition } from "../definition.ts";
import { exitCodeOf } from "../exit-code.ts";
import { unknownRelease } from "../follow.ts";
import { openActing, openReading, readRelease } from "../session.ts";
import { untoldEmergencies } from "../untold.ts";
import { noRelease } from "../verb.ts";
import { releaseNumber } from "../release-number.ts";
import { watchRelease } from "../watch-release.ts";

export const attach: CommandDefinition = {
  about:
    "Goes on with a release that nobody acts on any more, after Ctrl-C, a crash or a reboot: reads the world back, finishes what was begun, and follows it. Where somebody acts, it only follows. Where all has ended, the exit code says how the newest release did.",
  arguments: [{ name: "id", required: false, about: "the release; by default the newest that has not ended" }],
  options: [],
  examples: [{ line: "tidegate attach", does: "takes the release up where it was left" }],
  run: async ({ context, arguments: [given] }) => {
    const project = context.project();
    const found = await (async () => {
      await using reading = await openReading(context, project);
      if (reading === null) throw await noRelease(context);
      const id = given === undefined ? await whatIsLeft(reading.journal) : releaseNumber(given);
      if (id === undefined) throw await noRelease(context);
      const release = await readRelease(reading.journal, id);
      if (release === null) throw unknownRelease(id);
      return { release, events: (await reading.journal.read(id)).length };
    })();
    const { release, events } = found;
    const hasLeft = isEnded(release) && (await untoldEmergencies(context, release)).length > 0;
    if (isEnded(release) && !hasLeft) {
      const which = given === undefined ? "Every release has ended, the newest" : `Release ${release.id} has ended`;
      const status = statusOf(release, release.lastAt, null);
      const sentence = `${which}: ${status.sentence} There is nothing to go on with.`;
      // A script that attaches until it is done must not take a rollback that it missed for success.
      return answer(context, { release: release.id, state: release.state, sentence }, [sentence], exitCodeOf(status));
    }
    await using session = await openActing(context, project, release.plan);
    return await watchRelease(context, session, release.id, { after: events });
  },
};

/** The newest release that has not ended; the newest of all where every one has. */
async function whatIsLeft(journal: Journal): Promise<number | undefined> {
  for (const id of await journal.open()) {
    const release = await readRelease(journal, id);
    if (release !== null && !isEnded(release)) return id;
  }
  return (await journal.releases())[0];
}
