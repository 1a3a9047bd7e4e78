/**
 * Loaded into the engine with `--import`: while the file that FAILING_DISK names exists, no commit reaches the disk. SQLite
 * says then what the file holds: `full` (ENOSPC) or `io` (EIO).
 */
import { readFileSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";

const CODES = { full: 13, io: 10 } as const;
const MESSAGES = { full: "database or disk is full", io: "disk I/O error" } as const;

const file = process.env["FAILING_DISK"];

if (file !== undefined) {
  DatabaseSync.prototype.exec = new Proxy(Reflect.get(DatabaseSync.prototype, "exec"), {
    apply: (exec, database, [sql]: [string]) => {
      const fails = sql === "COMMIT" ? failure(file) : null;
      if (fails !== null)
        throw Object.assign(new Error(MESSAGES[fails]), { code: "ERR_SQLITE_ERROR", errcode: CODES[fails] });
      return Reflect.apply(exec, database, [sql]) as unknown;
    },
  });
}

function failure(path: string): "full" | "io" | null {
  try {
    return readFileSync(path, "utf8").trim() === "io" ? "io" : "full";
  } catch {
    return null;
  }
}
