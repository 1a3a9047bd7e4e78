import { guardId, type Verdict } from "../plan/guard.ts";
import type { Because } from "../release/event.ts";
import type { Release } from "../release/release.ts";
import { fullStop } from "../text/plain-text.ts";

/** What whoever watches a release sees at this moment: the journal has only the changes, with the figures of then. */
export interface NewestLook {
  /** The guards' newest looks; empty where none are watched. */
  readonly verdicts: readonly Verdict[];
  /** What the step that is due waits for; null: for nothing that can be seen. */
  readonly waits: Because | null;
}

/** The release with the figures of the newest look: what is told of it must count on with the table beside it. */
export function withNewestLook(release: Release, { verdicts, waits }: NewestLook): Release {
  const { hold } = release;
  return {
    ...release,
    verdicts:
      verdicts.length === 0
        ? release.verdicts
        : Object.fromEntries(verdicts.map((verdict) => [guardId(verdict), verdict])),
    hold: hold === null ? null : { ...hold, because: ofNow(hold.because, verdicts, waits) },
  };
}

function ofNow(because: Because, verdicts: readonly Verdict[], waits: Because | null): Because {
  if (waits !== null && isSameWait(because, waits)) return { ...because, sentence: waits.sentence };
  const { verdict, sentence } = because;
  const now = verdicts.find((one) => verdict !== undefined && guardId(one) === guardId(verdict));
  if (verdict === undefined || now === undefined || now.sentence === verdict.sentence) return because;
  // Why it was held stays true when the figures are well again.
  return now.verdict === "pass"
    ? { ...because, sentence: `${fullStop(sentence)} Now: ${fullStop(now.sentence)}` }
    : { ...because, sentence: sentence.replace(verdict.sentence, () => now.sentence) };
}

/** Of two waits for figures the newest says which of them it is now. */
function isSameWait(because: Because, waits: Because): boolean {
  if (because.kind === "waiting") return waits.kind === "waiting";
  const isOfFigures = ({ kind, verdict }: Because): boolean =>
    (kind === "guard" || kind === "no-data") && verdict !== undefined;
  return isOfFigures(because) && isOfFigures(waits);
}
