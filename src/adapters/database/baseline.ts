import { FaultError } from "../../core/fault.ts";
import type { MigrationFile } from "./migration-file.ts";
import { byVersion } from "./read-files.ts";

/** The files that a baseline is about: up to a version, or (null) all. Faults: usage, where no file has that version. */
export function upTo<F extends MigrationFile>(files: readonly F[], version: string | null): readonly F[] {
  if (version === null) return files;
  if (!files.some((file) => file.version === version))
    throw new FaultError({
      code: "usage",
      what: `No migration here has the version ${version}.`,
      fix: "tidegate migrate status lists them",
    });
  return files.filter((file) => byVersion(file.version, version) <= 0);
}
