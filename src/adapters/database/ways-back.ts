import type { MigrationPhase } from "../../core/plan/database.ts";
import type { LedgerRow } from "./ledger-row.ts";
import type { MigrationFile } from "./migration-file.ts";
import { byVersion } from "./read-files.ts";
import type { Ledger } from "./standing.ts";

/** An applied migration, the newest first, and the file that says how to go back; or why there is none. */
export interface WayBack<F extends MigrationFile> {
  readonly version: string;
  /** As people know it. */
  readonly name: string;
  readonly row: LedgerRow | null;
  readonly file: F | null;
  /** A sentence without its full stop; null: there is a way back. */
  readonly why: string | null;
}

/** `read`: of a text that the ledger has kept, where its file is not here any more. */
export async function waysBack<F extends MigrationFile>(
  files: readonly F[],
  { versions, rows }: Ledger,
  read: (row: LedgerRow & { readonly body: string }) => Promise<F>,
): Promise<readonly WayBack<F>[]> {
  const newestFirst = [...versions].toSorted((a, b) => byVersion(b, a));
  return await Promise.all(
    newestFirst.map(async (version) => {
      const row = rows.get(version) ?? null;
      const here = files.find((file) => file.version === version) ?? null;
      const isChanged = here !== null && row !== null && row.sha256 !== null && row.sha256 !== here.sha256;
      const kept =
        here === null && row?.body !== null && row?.body !== undefined ? await read({ ...row, body: row.body }) : null;
      const file = here ?? kept;
      const name = file?.file ?? row?.file ?? version;
      return { version, name, row, file, why: isChanged ? "its file was changed after it was applied" : whyNot(file) };
    }),
  );
}

function whyNot(file: MigrationFile | null): string | null {
  if (file === null) return "its file is not here, and another tool has applied it";
  if (file.down === null) return "it has no way back (nothing stands under `-- migrate:down`)";
  if (file.reversible === "no") return "it says that it can't be undone (`-- reversible: no`)";
  return null;
}

/** Why a release's migration is left as it is; what only looking at rows can tell is asked last. */
export function whyKept({ file, why, row }: WayBack<MigrationFile>): string | null {
  const phase = row?.phase ?? file?.phase ?? "expand";
  if (why !== null || phase !== "expand") return keptAs(phase, why);
  if (file?.reversible === "lossy") return "it says that its way back loses data (`-- reversible: lossy`)";
  return null;
}

/** `why`: there is no way back at all, or null. */
export function keptAs(phase: MigrationPhase, why: string | null): string {
  const words = why ?? `it is of phase ${phase}, and only what was added is taken away again`;
  // It counts as applied, and is not run again with the next release.
  return phase === "backfill" ? `${words}; what the old version writes from now on it does not fill in` : words;
}
