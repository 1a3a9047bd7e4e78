import { FaultError } from "../../core/fault.ts";
import type { DownResult, ReversedMigration } from "../../ports/migrations.ts";
import type { Loss } from "./loss.ts";
import type { MigrationFile } from "./migration-file.ts";
import { type WayBack, whyKept } from "./ways-back.ts";

/**
 * Takes back what a release has done, as far as `prove` finds nothing that is lost: the newest first, up to the first that has to stay,
 * because what is older may be what that stands on. `prove` answers with a sentence where it must not be done, or did not come about.
 */
export async function downByProof<F extends MigrationFile>(
  ways: readonly WayBack<F>[],
  release: number,
  prove: (way: WayBack<F>) => Promise<ReversedMigration | string>,
): Promise<DownResult> {
  const oldest = ways.findLastIndex(({ row }) => row?.release === release);
  const reversed: ReversedMigration[] = [];
  const kept: { file: string; why: string }[] = [];
  let stays: string | null = null;
  for (const way of ways.slice(0, oldest + 1)) {
    if (way.row?.release !== release) {
      stays ??= way.name;
      continue;
    }
    const why = stays === null ? whyKept(way) : `${stays}, which came after it, stays`;
    const done = why === null ? await prove(way).catch(whyItStays) : `${why}.`;
    if (typeof done !== "string") reversed.push(done);
    else {
      kept.push({ file: way.name, why: sentence(done) });
      stays ??= way.name;
    }
  }
  return { reversed, kept };
}

const STAYS: ReadonlySet<string> = new Set(["migration-failed", "migration-blocked", "migration-loses-data"]);

/** What did not come about leaves everything as it was, which is safe. */
function whyItStays(error: unknown): string {
  if (!(error instanceof FaultError) || !STAYS.has(error.fault.code)) throw error;
  const { what, cause, detail = [] } = error.fault;
  return [what, cause === undefined ? "" : `${cause}.`, ...detail.map((each) => `${each}.`)].join(" ").trim();
}

/** The name of a file begins as it is. */
function sentence(text: string): string {
  return text.replace(/^it(?=s? )/, "It");
}

export function lossSentence(losses: readonly Loss[]): string {
  return `its way back ${losses.map(({ what, line }) => `${what} (line ${line})`).join(", and ")}.`;
}
