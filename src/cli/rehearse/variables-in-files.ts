import { readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { parseEnv } from "node:util";
import { isStartedByLine, type Service } from "../../core/plan/service.ts";

/** The variables in the `.env` files that a service lists under `files`, which it reads by itself. */
export function variablesInFiles(service: Service, folder: string): Readonly<Record<string, string>> {
  if (!isStartedByLine(service)) return {};
  const files = service.runtime.files.filter((file) => /^\.env(?:\.|$)|\.env$/.test(basename(file)));
  return Object.assign({}, ...files.map((file) => variablesIn(join(folder, file)))) as Record<string, string>;
}

/** One that can't be read is told by whoever copies it. */
function variablesIn(path: string): Readonly<Record<string, string | undefined>> {
  try {
    return parseEnv(readFileSync(path, "utf8"));
  } catch {
    return {};
  }
}
