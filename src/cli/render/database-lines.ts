import type { WentBack } from "../../core/decide/database-recipe.ts";
import { deletedInAll, type DeletedRows, deletedWords } from "../../core/migration/deleted-rows.ts";
import type { Observed } from "../../core/release/effect.ts";
import { formatBytes } from "../../core/analysis/figures.ts";

/** What a backup, a migration and its way back say of themselves in the log of a release. */
export function backupLine(observed: Observed, took: string): string {
  const { backup, bytes } = observed;
  const size = typeof bytes === "number" ? `, ${formatBytes(bytes)}` : "";
  const notes = Array.isArray(observed["notes"]) ? observed["notes"].map(String) : [];
  if (typeof backup !== "string") return notes.join("\n");
  return [`backup ${backup} made and proven in ${took}${size}`, ...notes].join("\n");
}

export function migratedLine(observed: Observed, took: string): string {
  const applied = Array.isArray(observed["applied"]) ? (observed["applied"] as readonly Applied[]) : [];
  if (applied.length === 0) return `nothing to migrate, looked at in ${took}`;
  const waited = Math.max(...applied.map(({ longestWaitMs }) => longestWaitMs));
  const files = namesOf(applied.map(({ file }) => file));
  const deleted = deletedInAll(applied.flatMap((each) => each.deleted ?? []));
  return [
    `migrated in ${took}: ${files}${waited >= 1 ? `; waited at most ${Math.round(waited)}ms for a lock` : ""}`,
    ...(deleted.length === 0 ? [] : [`deleted ${deleted.map(deletedWords).join(", ")}`]),
  ].join("\n");
}

/** All of a few; of years of them the first and the last. */
function namesOf(files: readonly string[]): string {
  if (files.length <= 4) return files.join(", ");
  const [first = "", last = ""] = [files.at(0), files.at(-1)].map((file) => file?.replace(/^.*\//, ""));
  return `${files.length} migrations, from ${first} to ${last}`;
}

export function wentBackLine(observed: Observed, took: string): string {
  const { reversed, kept, gone = [], thinned = [] } = observed as unknown as WentBack;
  const lost = [...gone, ...thinned.map((table) => `the rows that were deleted from ${table}`)];
  return [
    `schema: ${reversed.length} taken back in ${took}${kept.length === 0 ? "" : `, ${kept.length} left expanded`}`,
    ...kept.map(({ file, why }) => `${file}: ${why}`),
    ...(lost.length === 0 ? [] : [`does not come back: ${lost.join(", ")}`]),
  ].join("\n");
}

interface Applied {
  readonly file: string;
  readonly longestWaitMs: number;
  readonly deleted?: readonly DeletedRows[];
}
