import { replay } from "../core/release/evolve.ts";
import { FaultError } from "../core/fault.ts";
import { hadVisitors, putBackBefore, putBackSentence } from "../core/command/put-back.ts";
import type { Release } from "../core/release/release.ts";
import type { Journal } from "../ports/journal.ts";

/** How many releases back it matters what became of a version. */
const LOOK_BACK = 20;

/** The release that put the version back the last time that it was released here; null: none did. */
export async function lastPutBack(
  journal: Pick<Journal, "read" | "releases">,
  of: { readonly app: string; readonly environment: string },
  version: string,
): Promise<Release | null> {
  const { app, environment } = of;
  const ids = (await journal.releases({ app, environment })).slice(0, LOOK_BACK);
  const releases = await Promise.all(ids.map(async (id) => replay(await journal.read(id))));
  return putBackBefore(
    releases.filter((release) => release !== null),
    version,
  );
}

/** Who asked may not have known. Throws FaultError version-put-back. */
export function mustNotBeKnownBad(before: Release | null): void {
  if (before === null || !hadVisitors(before)) return;
  throw new FaultError({
    code: "version-put-back",
    what: putBackSentence(before),
    fix: `mend it and release the commit that does, or release it again all the same: tidegate release ${before.candidate.label} --yes`,
  });
}
