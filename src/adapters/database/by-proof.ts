import { FaultError } from "../../core/fault.ts";
import type { DownResult, ReversedMigration } from "../../ports/migrations.ts";
import type { Loss } from "./loss.ts";
import type { LedgerRow } from "./ledger-row.ts";

/** An applied migration, as far as it matters here. */
interface Applied {
  /** As people know it. */
  readonly name: string;
  readonly row: Pick<LedgerRow, "release"> | null;
}

export interface Proof<A extends Applied> {
  /** Why it has to stay, as a sentence without its full stop; null: only looking closer can tell. */
  readonly whyKept: (applied: A) => string | null;
  /** Takes it back. Answers with a sentence where it must not be done, or did not come about. */
  readonly prove: (applied: A) => Promise<ReversedMigration | string>;
}

/**
 * Takes back what a release has done, as far as `prove` finds nothing that is lost: the newest first, up to the first that has to stay,
 * because what is older may be what that stands on.
 */
export async function downByProof<A extends Applied>(
  newestFirst: readonly A[],
  release: number,
  { whyKept, prove }: Proof<A>,
): Promise<DownResult> {
  const oldest = newestFirst.findLastIndex(({ row }) => row?.release === release);
  const reversed: ReversedMigration[] = [];
  const kept: { file: string; why: string }[] = [];
  let stays: string | null = null;
  for (const each of newestFirst.slice(0, oldest + 1)) {
    if (each.row?.release !== release) {
      stays ??= each.name;
      continue;
    }
    const why = stays === null ? whyKept(each) : `${stays}, which came after it, stays`;
    const done = why === null ? await prove(each).catch(whyItStays) : `${why}.`;
    if (typeof done !== "string") reversed.push(done);
    else {
      kept.push({ file: each.name, why: sentence(done) });
      stays ??= each.name;
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
