import type { Client } from "pg";
import type { MigrationPhase } from "../../../core/plan/database.ts";
import type { Reversible } from "../../../migrations/lint/headers.ts";
import type { Mistake } from "../../../migrations/lint/mistake.ts";

/** A migration tool of the team's own, one revision at a time. What is the same around any of them is in this folder's other files. */
export interface Tool {
  /** As people call it: `alembic`. */
  readonly name: string;
  /** Where its programs run. Absolute. */
  readonly folder: string;
  /** The program and its first arguments, as the tool's own words are put behind them. */
  readonly program: readonly string[];
  /** Whether a revision can be applied while one before it waits. */
  readonly order: "strict" | "any";
  /** In which the tool itself writes down what is applied. */
  readonly tables: readonly string[];
  /** Whether it refuses to go anywhere while a file of an applied revision is not here. */
  readonly needsAllFiles: boolean;
  /** What it needs in its environment beside the address, which it gets as others write it. */
  readonly environment: (url: string) => Readonly<Record<string, string>>;
  /** What people type to make a revision, and to mark one as applied. */
  readonly ways: { readonly make: string; readonly mark: string };
  /** In the order in which they are applied. Faults: migrations-missing, migration-tool-failed, migration-heads. */
  revisions(run: RunTool): Promise<readonly Revision[]>;
  /** The versions that its own table has, in the order in which they are taken back from the end. */
  applied(asking: Asking, revisions: readonly Revision[]): Promise<readonly string[]>;
  /** Applies it, and no other. `aside`: an empty folder for this run alone. */
  up(revision: Revision, order: Ordered, aside: string): readonly string[];
  /** Applies everything that is pending, in one go; absent: the tool can't. */
  readonly all?: readonly string[];
  /** Takes it back, and no other; null: it has no way to. */
  down(revision: Revision, order: Ordered): readonly string[] | null;
  /** Writes the SQL of it to its output, and runs nothing; absent: the tool can't. */
  readonly sql?: (revision: Revision, way: "up" | "down", order: Ordered) => readonly string[] | null;
  /** Only reads, and fails where it does not reach its database; null: there is nothing of that kind. */
  readonly check: readonly string[] | null;
  /** Puts in order what a run that was killed has left in the tool's own tables. */
  readonly unlock?: (client: Client) => Promise<void>;
}

export interface Revision {
  /** As the tool's own table has it. */
  readonly version: string;
  /** Of its file. */
  readonly name: string;
  /** As people find it: relative to the version's folder. */
  readonly file: string;
  readonly text: string;
  /** Of the text, in hex. */
  readonly sha256: string;
  /** What the file says of itself, or the plan of it. */
  readonly phase: MigrationPhase | null;
  readonly reversible: Reversible;
  /** What it says of itself and nobody understands; null: nothing. */
  readonly misspelt: Mistake | null;
  /** Whether its text has a way back. */
  readonly hasDown: boolean;
  /** What fails in the middle leaves nothing behind. */
  readonly isInTransaction: boolean;
  /** Those on which it stands. */
  readonly parents: readonly string[];
}

/** Where a revision stands among those that are applied when it is run. */
export interface Ordered {
  readonly revisions: readonly Revision[];
  readonly applied: readonly string[];
}

/** How a tool's table is asked. */
export interface Asking {
  readonly client: Client;
  readonly run: RunTool;
}

/** Runs the tool with these words behind its program; the output is all that it wrote there. Faults: migration-tool-failed, migration-tool-missing. */
export type RunTool = (words: readonly string[]) => Promise<string>;
