import { createHash } from "node:crypto";
import type { StartOrder } from "../../ports/runtime.ts";

/** `web-blue-0-9f2c1e4a`: the same order has the same id, another version in the same slot another one. */
export function instanceId({ service, slot, index, version }: StartOrder): string {
  return `${service.name}-${slot}-${index}-${shortVersionName(version)}`;
}

/** A version as a part of names: short, and told apart from every other. */
export function shortVersionName(version: string): string {
  return /^[0-9a-f]{40,64}$/.test(version) ? version.slice(0, 8) : shortName(version);
}

function shortName(version: string): string {
  const slug = version.replaceAll(/[^A-Za-z0-9._-]/g, "-").slice(0, 24);
  return slug === version ? slug : `${slug}-${createHash("sha256").update(version).digest("hex").slice(0, 6)}`;
}
