import { existsSync } from "node:fs";
import { dirname } from "node:path";
import { FaultError } from "../../../core/fault.ts";

/** There is no such file. SQLite would make an empty one. */
export function missingFile(path: string): FaultError {
  const what = existsSync(dirname(path))
    ? "There is no database file of this name."
    : "There is no database file of this name, and no folder for it.";
  const fix = "check the address; it is relative to the plan file's folder";
  return new FaultError({ code: "database-not-made-yet", what, where: path, fix });
}

/** SQLite makes a file that is missing, and no folder for it. Faults: database-unreachable. */
export function refuseWithoutFolder(path: string): void {
  const folder = dirname(path);
  if (existsSync(folder)) return;
  throw new FaultError({
    code: "database-unreachable",
    what: `There is no folder ${folder} for the database. SQLite makes the file, and no folder for it.`,
    where: path,
    fix: `make it: mkdir -p ${folder}; or check the address, which is relative to the plan file's folder`,
  });
}
