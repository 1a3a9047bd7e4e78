import { existsSync } from "node:fs";
import { resolve } from "node:path";
import type { Client } from "pg";
import type { MigrationsAt, PlacedFinding } from "../../../ports/migrations.ts";
import { byVersion } from "../read-files.ts";
import type { Standing } from "../standing.ts";
import { lintPending, type QueriesPlace } from "./lint-pending.ts";
import type { PostgresFile } from "./read-migrations.ts";

/** What the linter finds in what is pending of a folder, by the file. `upTo`: the last version of those that began with an empty database. */
export async function lintFiles(
  client: Client,
  files: readonly PostgresFile[],
  { pending }: Pick<Standing, "pending">,
  place: QueriesPlace,
  upTo: string | null,
): Promise<ReadonlyMap<string, readonly PlacedFinding[]>> {
  const rows = new Map(pending.map(({ file, row }) => [file.version, row]));
  const found = await lintPending(
    client,
    files.map(({ version, file, text, phase }) => {
      const row = rows.get(version);
      const isApplied =
        row === undefined ? ("whole" as const) : row?.state === "applying" ? ("in part" as const) : null;
      return { name: file, text, phase, isOurs: true as const, ...(isApplied === null ? {} : { isApplied }) };
    }),
    place,
  );
  if (upTo === null) return found;
  const first = files.filter(({ version }) => byVersion(version, upTo) <= 0);
  const anew = first.map(({ file, text, phase }) => ({ name: file, text, phase, isOurs: true as const }));
  return new Map([...found, ...(await lintPending(client, anew, place, { isEmpty: true }))]);
}

/** The queries are those of the version that serves, where anybody knows which that is and it has such a file already. */
export function queriesPlace(
  { directory, servingDirectory }: Pick<MigrationsAt, "directory" | "servingDirectory">,
  file: string | undefined,
): QueriesPlace {
  if (file === undefined) return null;
  const isThere = servingDirectory !== undefined && existsSync(resolve(servingDirectory, file));
  return { directory: isThere ? servingDirectory : directory, file };
}
