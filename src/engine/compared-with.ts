import type { Look } from "../core/analysis/look.ts";
import { readiness, type SeenInstances } from "../core/decide/seen.ts";
import type { Release } from "../core/release/release.ts";
import { twinOf } from "../core/release/twin.ts";
import type { Instant } from "../core/time/time.ts";
import { twinName } from "../core/traffic/routing.ts";
import { WHOLE } from "../core/traffic/share.ts";

/**
 * What the judge compares the candidate with. A plan with a twin is judged by its twin from the first share to the last,
 * and by what that did before the switch: never now by the one and now by the other. Only of the processes the standby is
 * what is left beside a candidate that has all traffic.
 */
export function comparedWith(
  release: Release,
  seen: SeenInstances,
  now: Instant,
): Pick<Look, "stable" | "instances" | "twin"> {
  const twin = twinOf(release);
  const { instances } = seen;
  if (twin === null) return { stable: release.stable?.version ?? null, instances };
  const name = twinName(twin.version);
  const slot = release.share === WHOLE ? release.stable?.slot : twin.slot;
  return {
    stable: name,
    // By the name that the rows have it under: what else runs of that version is not compared.
    instances: instances.flatMap((each) =>
      each.version !== twin.version ? [each] : each.slot === slot ? [{ ...each, version: name }] : [],
    ),
    twin: { notReady: whyNotReady(release, seen, now) },
  };
}

function whyNotReady(release: Release, seen: SeenInstances, now: Instant): string | null {
  if (release.share === 0 || release.share === WHOLE) return null;
  if (!release.hasTwin) return "it has no twin";
  const { ready, sentence } = readiness(release, "twin", seen, now);
  return ready ? null : `its twin can't serve: ${sentence}`;
}
