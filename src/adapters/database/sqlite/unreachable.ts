import { FaultError } from "../../../core/fault.ts";

/** The file of a database can't be used: `what` says why not. */
export function unreachableFile(path: string, what: string, cause?: string): FaultError {
  return new FaultError({ ...ASK_AGAIN, code: "database-unreachable", what, where: path, ...causeOf(cause) });
}

/** There is no such file. SQLite would make an empty one. */
export function missingFile(path: string): FaultError {
  const what = "There is no database file of this name.";
  return new FaultError({ ...ASK_AGAIN, code: "database-not-made-yet", what, where: path });
}

const ASK_AGAIN = { fix: "check the address; it is relative to the plan file's folder" };

function causeOf(cause: string | undefined): { readonly cause?: string } {
  return cause === undefined ? {} : { cause };
}
