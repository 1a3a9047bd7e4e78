import type { AppDatabase } from "../cli/app-database.ts";
import { fillReferences } from "../core/text/references.ts";
import { rehearsalPlace } from "../local/rehearsals.ts";
import type { StateFolder } from "../local/state-folder.ts";
import type { CopyPlace, RehearsalCopies } from "../ports/rehearsal-copies.ts";
import { databaseSettings } from "./database.ts";

/** Copies of the app's database for rehearsals. */
export async function rehearsalCopies(
  place: AppDatabase,
  state: StateFolder,
  copyPlace: CopyPlace,
): Promise<RehearsalCopies> {
  if (place.database.kind === "sqlite") {
    const [{ sqliteCopies }, { pathOf }] = await Promise.all([
      import("../adapters/rehearsal/sqlite.ts"),
      import("../adapters/backup/sqlite/open.ts"),
    ]);
    const { url, values } = databaseSettings(place);
    const path = pathOf(fillReferences(url, values()), place.folder);
    return sqliteCopies({ path, folder: place.folder, folderOf: (id) => rehearsalPlace(state, id).folder });
  }
  const { postgresCopies } = await import("../adapters/rehearsal/postgres.ts");
  return postgresCopies({ database: databaseSettings(place), env: place.env, place: copyPlace });
}

/** Removes every version that was made in a state folder, and what git knows of it. */
export async function removeVersions(state: StateFolder, planFolder: string): Promise<void> {
  const { pruneVersions } = await import("../adapters/runtime/versions/prune.ts");
  await pruneVersions(state, planFolder, 0, new Set());
}
