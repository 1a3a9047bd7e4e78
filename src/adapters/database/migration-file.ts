import type { MigrationPhase } from "../../core/plan/database.ts";
import type { Reversible } from "../../migrations/lint/headers.ts";
import type { Mistake } from "../../migrations/lint/mistake.ts";

/** A file of migrations, read and understood: what `up` runs and what `down` would run. */
export interface MigrationFile<S extends Statement = Statement> {
  /** The digits with which its name begins, as dbmate reads them. */
  readonly version: string;
  /** Its name in the folder. */
  readonly name: string;
  /** As people find it: the folder of the plan, and its name. */
  readonly file: string;
  readonly text: string;
  /** Of the text, in hex. */
  readonly sha256: string;
  readonly phase: MigrationPhase;
  readonly reversible: Reversible;
  /** What it says of itself and nobody understands; null: nothing. */
  readonly misspelt: Mistake | null;
  /** What of it no run would reach; null: nothing. */
  readonly unreached: Mistake | null;
  readonly up: Script<S>;
  /** null: it has no way back. */
  readonly down: Script<S> | null;
}

export interface Script<S extends Statement = Statement> {
  readonly units: readonly Unit<S>[];
  /** Of all units. */
  readonly statements: number;
  readonly isInTransaction: boolean;
}

/** What is done at once or not at all: a whole file, what stands between BEGIN and COMMIT, a single statement, a batch. */
export interface Unit<S extends Statement = Statement> {
  /** How many statements of the script come before it. */
  readonly from: number;
  /** How many are done once it is. */
  readonly to: number;
  readonly statements: readonly S[];
  /** The most rows that one run of its statement changes; it is repeated until it changes none. null: it runs once. */
  readonly batch: number | null;
  /** How many rows its batches have changed already. */
  readonly rows?: number;
}

export interface Statement {
  readonly sql: string;
  /** In the file, from 1. */
  readonly line: number;
  /** In the file's text, in characters. */
  readonly start: number;
}
