import { createHash } from "node:crypto";

/** Hash of an event on top of the one before it: a changed, removed or reordered event breaks every later one. */
export function chain(before: string, ...parts: readonly (string | number)[]): string {
  return createHash("sha256")
    .update(JSON.stringify([before, ...parts]))
    .digest("hex");
}
