import { formatBytes, formatCount } from "../../core/analysis/figures.ts";
import type { Relation } from "../../core/migration/serving.ts";
import type { Change } from "../lint/change.ts";

/** Up to here it takes a fraction of a second to look at every row, or to write all of them anew. */
const SMALL_BYTES = 8_000_000;

export function isSmall({ bytes }: Relation): boolean {
  return bytes !== null && bytes <= SMALL_BYTES;
}

/** The table whose rows a change goes through; null: there is no telling. */
export function tableOf(change: Change): string | null {
  if (change.kind === "reindex") return change.what;
  return "table" in change ? change.table : null;
}

/** `about 1 200 rows, 96 kB`. */
export function sizeWords({ rows, bytes }: Relation): string {
  const size = bytes === null ? [] : [formatBytes(bytes)];
  // Nobody has counted yet.
  if (rows === null || rows < 0) return size.join("");
  return [`about ${formatCount(rows)} row${rows === 1 ? "" : "s"}`, ...size].join(", ");
}
