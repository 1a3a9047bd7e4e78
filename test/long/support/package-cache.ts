import { mkdirSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";

/**
 * Where npm keeps what the long suite installs: outside of the repository, and for good, so that each package comes over
 * the network once. Set as `npm_config_cache`, which Tidegate hands on to `prepare:` lines.
 */
export function packageCache(): string {
  const base = process.env["XDG_CACHE_HOME"] ?? join(homedir(), ".cache");
  const folder = join(base, "tidegate-long-tests", "npm");
  mkdirSync(folder, { recursive: true });
  return folder;
}
