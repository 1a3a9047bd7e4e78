import type { DatabaseLead, ServerPlace } from "../core/rehearsal/database-lead.ts";
import type { MadeUpTable } from "../core/rehearsal/rehearsal.ts";

/** Copies of the app's database that rehearsals work with. The app's own is only read. */
export interface RehearsalCopies {
  /** `shop at db1:5432`. */
  readonly place: string;
  /** What `restore --into` calls the copy of a rehearsal: a name on the same server, an address, or the path of a file. */
  nameOf(id: string): string;
  /** How the copy is reached, with everything filled in: it may hold a password. */
  addressOf(id: string): string;
  /** What a variable holds and leads to the app's database, made to lead to the copy; null: it leads elsewhere. */
  led(id: string, variable: string, value: string): string | null;
  /** How containers are led there. null: they can't be. */
  inContainers(id: string): DatabaseLead | null;
  /** Makes what must be there before anything is restored. */
  prepare(id: string, signal: AbortSignal): Promise<void>;
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

/**
 * Where a copy is made. `beside`: on the app's own server, reached as Tidegate reaches it. `as-written`: there too, but containers get to it
 * by the addresses that they have. `own-server`: on a server of the rehearsal's own, which goes away with all that is on it.
 */
export type CopyPlace =
  | { readonly kind: "beside" }
  | { readonly kind: "as-written" }
  | { readonly kind: "own-server"; readonly fromHere: ServerPlace; readonly fromContainers: ServerPlace };
