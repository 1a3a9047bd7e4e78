import type { MadeUpTable } from "../core/rehearsal/rehearsal.ts";

/** Copies of the app's database that rehearsals play with. The app's own is only read. */
export interface RehearsalCopies {
  /** `shop at db1:5432`. */
  readonly place: string;
  /** What `restore --into` calls the copy of a rehearsal: a name on the same server, or the path of a file. */
  nameOf(id: string): string;
  /** How the copy is reached, with everything filled in: it may hold a password. */
  addressOf(id: string): string;
  /** What leads to the app's database, made to lead to the copy; null: it leads elsewhere. */
  redirected(value: string, id: string): string | null;
  /** Whether the value is the app's database by its bare name, so that a variable named for that leads to it. */
  isItsName(value: string): boolean;
  /** Makes what must be there before anything is restored. */
  prepare(id: string): Promise<void>;
  /** As it is just now, without a backup. null: only its shape can be taken over, see `madeUp`. */
  readonly copyNow: ((id: string, signal: AbortSignal) => Promise<CopiedNow>) | null;
  /** The same tables, with rows that are made up. Faults: rehearsal-copy-failed. */
  madeUp(id: string, signal: AbortSignal): Promise<readonly MadeUpTable[]>;
  /** How many sessions of that name are in the app's own database. */
  sessionsInApp(application: string, signal: AbortSignal): Promise<number>;
  /** Takes the copy away, and what restoring into it has kept. What is not there is gone already. */
  drop(id: string, signal: AbortSignal): Promise<void>;
}

export interface CopiedNow {
  readonly bytes: number;
  readonly tables: number;
  readonly rows: number;
}
