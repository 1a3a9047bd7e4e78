import { FaultError } from "../../../core/fault.ts";

/** The file of a database can't be used: `what` says why not. */
export function unreachableFile(path: string, what: string, cause?: string): FaultError {
  return new FaultError({
    code: "database-unreachable",
    what,
    where: path,
    fix: "check the address; it is relative to the plan file's folder",
    ...(cause === undefined ? {} : { cause }),
  });
}
