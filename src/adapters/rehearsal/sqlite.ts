import { readdirSync, readlinkSync, realpathSync } from "node:fs";
import { chmod, mkdir, rm, stat } from "node:fs/promises";
import { basename, dirname, isAbsolute, resolve } from "node:path";
import { rowsOf } from "../../core/backup/contents.ts";
import { environmentOf, listProcesses } from "../../local/process-table.ts";
import type { RehearsalCopies } from "../../ports/rehearsal-copies.ts";
import { contentsOf } from "../backup/sqlite/contents.ts";
import { beginReading, countObjects, openSqlite } from "../backup/sqlite/open.ts";
import { USUAL_PATIENCE } from "../database/patience.ts";
import { toldInWords } from "../database/sqlite/file-faults.ts";

export interface SqliteCopies {
  /** Of the app's database. */
  readonly path: string;
  /** What relative paths are relative to. */
  readonly folder: string;
  /** Where a rehearsal has what is its own: it goes away with that. */
  readonly folderOf: (id: string) => string;
}

/** Files in the folder of each rehearsal. */
export function sqliteCopies({ path, folder, folderOf }: SqliteCopies): RehearsalCopies {
  const copyOf = (id: string): string => resolve(folderOf(id), "database", basename(path));
  return {
    place: path,
    nameOf: copyOf,
    addressOf: (id) => `sqlite:${copyOf(id)}`,
    led: (id, _variable, value) => led(value, path, folder, copyOf(id)),
    inContainers: () => null,
    prepare: async (id) => void (await mkdir(dirname(copyOf(id)), { recursive: true, mode: 0o700 })),
    copyNow: async (id, signal) => {
      const { backup } = await import("node:sqlite");
      using database = await openSqlite(path);
      await beginReading(database, path, { signal, boundMs: USUAL_PATIENCE.boundMs }, countObjects);
      return await toldInWords(path, async () => {
        await backup(database, copyOf(id), { rate: 4_096, progress: () => signal.throwIfAborted() });
        await chmod(copyOf(id), 0o600);
        const contents = await contentsOf(database, signal);
        const { size: bytes } = await stat(copyOf(id));
        return { bytes, tables: contents.tables.length, rows: rowsOf(contents) };
      });
    },
    madeUp: () => Promise.reject(new Error("A file is copied as it is.")),
    sessionsInApp: async (application) =>
      listProcesses().filter(({ pid }) => environmentOf(pid)["PGAPPNAME"] === application && hasOpen(pid, path)).length,
    drop: (id) => rm(dirname(copyOf(id)), { recursive: true, force: true }),
  };
}

/** `sqlite:data/shop.db`, `file:…`, or a bare path: with the copy's path in its place; null: it names another file. */
function led(value: string, path: string, folder: string, copy: string): string | null {
  const [prefix = ""] = /^(?:sqlite3?|file):(?:\/\/)?/i.exec(value) ?? [];
  const [written = ""] = value.slice(prefix.length).split("?");
  // SQLAlchemy writes an absolute path with one slash more.
  if (written === "" || resolve(folder, written.replace(/^\/{2,}/, "/")) !== path) return null;
  const options = value.slice(prefix.length + written.length);
  if (!isAbsolute(written)) return `${prefix.replace(/\/\/$/, "")}${copy}${options}`;
  return `${prefix}${written.startsWith("//") ? "/" : ""}${copy}${options}`;
}

function hasOpen(pid: number, path: string): boolean {
  try {
    const real = realpathSync(path);
    return readdirSync(`/proc/${pid}/fd`).some((name) => readlinkSync(`/proc/${pid}/fd/${name}`) === real);
  } catch {
    // It has ended, or is somebody else's.
    return false;
  }
}
