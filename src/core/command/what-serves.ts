import { noWayBack, rollbackSentence } from "../decide/way-back.ts";
import type { Release } from "../release/release.ts";

/** How to go back from what serves, for who was told that a release is rolled back already. */
export interface WayFurther {
  /** The release that brought what serves; null: none of those that are known did. */
  readonly release: number | null;
  readonly sentence: string;
  /** null: there is no way back from it. */
  readonly command: string | null;
}

/**
 * Going back twice takes down what serves now, so that nobody gets it by asking twice: they are told what it is and which
 * command does it. `newestFirst`: of one app and environment; `servingVersion`: by the journal, null: none; `runs`:
 * whether something of it does, as it does not after `tidegate down`.
 */
export function wayFurther(newestFirst: readonly Release[], servingVersion: string | null, runs: boolean): WayFurther {
  if (servingVersion === null) return { release: null, sentence: "Nothing serves now.", command: null };
  if (!runs) {
    const command = `tidegate release ${labelOf(newestFirst, servingVersion)}`;
    return { release: null, sentence: `Nothing runs now. To start what served last: ${command}`, command };
  }
  const bringer = newestFirst.find(
    ({ state, candidate }) => (state === "live" || state === "closed") && candidate.version === servingVersion,
  );
  if (bringer === undefined) {
    const label = labelOf(newestFirst, servingVersion);
    const sentence = `${label} serves now, which no release that is known here brought: to replace it, tidegate release VERSION.`;
    return { release: null, sentence, command: null };
  }
  const { id, candidate } = bringer;
  const serves = `${candidate.label} of release ${id} serves now.`;
  if (noWayBack(bringer) !== null)
    return { release: id, sentence: `${serves} ${rollbackSentence(bringer)}`, command: null };
  const command = `tidegate rollback ${id}`;
  return {
    release: id,
    sentence: `${serves} To go back from that too: ${command}. ${rollbackSentence(bringer)}`,
    command,
  };
}

function labelOf(releases: readonly Release[], version: string): string {
  const placed = releases.flatMap(({ stable, candidate }) => [stable, candidate]);
  return placed.find((each) => each?.version === version)?.label ?? version;
}
