import { createHash } from "node:crypto";
import { reading, type ToolPlace } from "./run-tool.ts";
import type { Ordered, Revision } from "./tool.ts";

/**
 * The SQL that a revision would run; null: the tool does not say. Asked once of each text: a command looks at what is pending several times,
 * and a tool may take seconds to start.
 */
export async function sqlOf(place: ToolPlace, revision: Revision, order: Ordered): Promise<string | null> {
  const words = place.tool.sql?.(revision, "up", order) ?? null;
  if (words === null) return null;
  const key = keyOf(place, words, revision, order);
  const printed = remembered.get(key) ?? reading(place)(words);
  remembered.delete(key);
  remembered.set(key, printed);
  const [oldest] = remembered.keys();
  if (remembered.size > MOST && oldest !== undefined) remembered.delete(oldest);
  return await printed.catch(() => {
    // It may have been mended elsewhere, or was cut off.
    remembered.delete(key);
    return null;
  });
}

/** Without the transaction that the tool puts around it. */
export function withoutTransaction(sql: string): string {
  return sql.replaceAll(/^\s*(?:BEGIN|COMMIT);\s*$/gim, "");
}

const remembered = new Map<string, Promise<string>>();
const MOST = 200;

/** A program of the team's may look into the database for it: what is applied there counts too. */
function keyOf(
  { tool, database }: ToolPlace,
  words: readonly string[],
  { version, sha256 }: Revision,
  { applied }: Ordered,
): string {
  const all = [tool.name, tool.folder, tool.program, database.url, words, version, sha256, applied];
  return createHash("sha256").update(JSON.stringify(all)).digest("hex");
}
