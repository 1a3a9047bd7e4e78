import { existsSync } from "node:fs";
import { isAbsolute, join, relative } from "node:path";
import { isExternal, type Plain, type ResolvedProject } from "./resolved-project.ts";
import { listOf, mapOf, textOf } from "./written-values.ts";

/** The version's folder, and the same beside the plan file; one and the same where no version is made. */
export interface VersionPlace {
  readonly directory: string;
  readonly usersDirectory: string;
}

/** What the version has is the version's; what git doesn't have, such as a folder of data, lies beside the plan file. */
export function sourceOf(path: string, directory: string, usersDirectory: string): string {
  const inside = relative(directory, path);
  if (inside.startsWith("..") || isAbsolute(inside) || existsSync(path)) return path;
  return join(usersDirectory, inside);
}

/** The secrets or configs of a service, from where the version has their files. */
export function usedFiles(
  kind: "secrets" | "configs",
  service: Plain,
  project: ResolvedProject,
  { directory, usersDirectory }: VersionPlace,
): Plain {
  const names = listOf(service[kind]).map((each) => (typeof each === "string" ? each : textOf(mapOf(each)["source"])));
  return Object.fromEntries(
    names.map((name) => {
      const entry = project[kind][name] ?? {};
      const { file } = entry;
      if (typeof file !== "string" || isExternal(entry)) return [name, entry];
      return [name, { ...withoutName(entry), file: sourceOf(file, directory, usersDirectory) }];
    }),
  );
}

/** The plugin names what it resolves after the user's project. */
function withoutName(entry: Plain): Plain {
  return Object.fromEntries(Object.entries(entry).filter(([key]) => key !== "name"));
}
