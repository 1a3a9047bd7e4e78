import { isEnded, type Release } from "../../core/release.ts";
import { answer } from "../context.ts";
import type { CommandDefinition } from "../definition.ts";
import { unknownRelease } from "../follow.ts";
import { openActing, openReading, readRelease } from "../session.ts";
import { noRelease, releaseNumber } from "../verb.ts";
import { watchRelease } from "../watch-release.ts";

export const attach: CommandDefinition = {
  about:
    "Goes on with a release that nobody acts on any more, after Ctrl-C, a crash or a reboot: reads the world back, finishes what was begun, and follows it. Where somebody acts, it only follows.",
  arguments: [{ name: "id", required: false, about: "the release; by default the newest that has not ended" }],
  options: [],
  examples: [{ line: "tidegate attach", does: "takes the release up where it was left" }],
  run: async ({ context, arguments: [given] }) => {
    const project = context.project();
    const found = await (async () => {
      await using reading = await openReading(context, project);
      if (reading === null) throw noRelease(context);
      const ids = given === undefined ? await reading.journal.releases() : [releaseNumber(given)];
      let newest: { readonly release: Release; readonly events: number; readonly newest: number | undefined } | null =
        null;
      for (const id of ids) {
        const release = await readRelease(reading.journal, id);
        if (release === null) throw unknownRelease(id);
        const looked = { release, events: (await reading.journal.read(id)).length, newest: ids[0] };
        if (!isEnded(release) || given !== undefined) return looked;
        newest ??= looked;
      }
      if (newest === null) throw noRelease(context);
      return newest;
    })();
    const { release, events } = found;
    if (isEnded(release)) {
      const which = given === undefined ? "Every release" : `Release ${release.id}`;
      const sentence = `${which} has ended: there is nothing to go on with.`;
      return answer(context, { release: release.id, state: release.state, sentence }, [
        sentence,
        "tidegate status shows the newest.",
      ]);
    }
    await using session = await openActing(context, project, release.plan);
    return await watchRelease(context, session, release.id, { after: events });
  },
};
