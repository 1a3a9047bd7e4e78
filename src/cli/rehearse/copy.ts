import { newestFirst } from "../../core/backup/record.ts";
import { FaultError } from "../../core/fault.ts";
import type { MadeUpTable, RehearsedDatabase } from "../../core/rehearsal/rehearsal.ts";
import { formatAge } from "../../core/time/time.ts";
import { formatCount } from "../../core/analysis/figures.ts";
import type { Backups } from "../../ports/backups.ts";
import type { RehearsalCopies } from "../../ports/rehearsal-copies.ts";
import type { PartLog } from "./run-log.ts";

export interface CopyOrder {
  readonly id: string;
  readonly copies: RehearsalCopies;
  /** Of the app's own database. */
  readonly backups: Backups;
  readonly identity: string | null;
  readonly by: string;
  readonly signal: AbortSignal;
}

/** The database of the rehearsal: the newest backup restored, else a copy, else the same tables with rows that are made up. */
export async function copyDatabase(order: CopyOrder, part: PartLog): Promise<RehearsedDatabase> {
  const { id, copies, backups, identity, by, signal } = order;
  const startedAt = performance.now();
  const tookMs = (): number => Math.round(performance.now() - startedAt);
  await copies.prepare(id, signal);
  const newest = newestFirst(await backups.list()).find(({ trouble }) => trouble === null) ?? null;
  if (newest !== null) {
    if (newest.recipients > 0 && identity === null) throw encrypted(newest.id);
    const name = `restored backup ${newest.id}`;
    const request = {
      backup: newest.id,
      into: copies.nameOf(id),
      identity,
      by,
      withoutOwners: false,
      signal,
      tell: () => undefined,
    };
    const restored = await part.step(
      name,
      () => backups.restore(request).catch(tellOfRights),
      ({ rows, tables }) =>
        `${formatAge(newest.madeAt, Date.now())} old, ${formatCount(rows)} ${rows === 1 ? "row" : "rows"} in ${tables} ${tables === 1 ? "table" : "tables"}, compared with what was backed up`,
    );
    const { tables, rows } = restored;
    const from = { kind: "backup", id: newest.id, madeAt: newest.madeAt } as const;
    return { place: copies.place, from, tables, rows, tookMs: tookMs(), isCompared: true };
  }
  const { copyNow } = copies;
  if (copyNow !== null) {
    const { bytes, tables, rows } = await part.step(
      "copied as it is now",
      () => copyNow(id, signal),
      (copied) => `there is no backup; ${formatCount(copied.rows)} rows`,
    );
    return { place: copies.place, from: { kind: "file", bytes }, tables, rows, tookMs: tookMs(), isCompared: false };
  }
  const tables = await part.step(
    "made the tables anew, with rows that are made up",
    () => copies.madeUp(id, signal),
    (made) => `there is no backup; ${made.map(tableInWords).join(", ")}`,
  );
  const rows = tables.reduce((sum, table) => sum + table.rows, 0);
  return {
    place: copies.place,
    from: { kind: "schema", tables },
    tables: tables.length,
    rows,
    tookMs: tookMs(),
    isCompared: false,
  };
}

function tableInWords({ table, rows, why }: MadeUpTable): string {
  return `${table} ${why === undefined ? formatCount(rows) : `none (${why})`}`;
}

/** Of what restoring otherwise could do, a rehearsal can do nothing. */
function tellOfRights(error: unknown): never {
  if (!(error instanceof FaultError) || error.fault.code !== "restore-refused") throw error;
  const fix = "let it create one, in which the rehearsal runs: ALTER ROLE … CREATEDB";
  throw new FaultError({ ...error.fault, fix }, { cause: error });
}

function encrypted(id: string): FaultError {
  return new FaultError({
    code: "backup-identity-missing",
    what: `The newest backup (${id}) is encrypted, and nothing here can decrypt it.`,
    fix: "give the file with the secret key of one of its recipients: --identity FILE",
  });
}
