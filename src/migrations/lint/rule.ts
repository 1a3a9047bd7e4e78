import type { DatabaseKind } from "../../core/plan/database.ts";
import type { RuleKind, Severity } from "../../core/migration/finding.ts";
import type { Change, ChangeOf } from "./change.ts";
import type { Known } from "./known.ts";
import type { Script } from "./script.ts";

/** What there is to find in a statement, with what a page says of it. */
export interface Rule {
  readonly name: string;
  /** What squawk or eugene call it, where that is another name. */
  readonly aliases?: readonly string[];
  readonly kind: RuleKind;
  readonly severity: Severity;
  /** The harm grows with the rows of the table, and of a small one there is none. */
  readonly isBySize?: true;
  /** It holds in SQLite as it does in PostgreSQL. */
  readonly isForSqlite?: true;
  /** What goes wrong, in a sentence or two. */
  readonly about: string;
  /** What to write instead. */
  readonly fix: string;
  /** SQL in which it speaks; several files are divided by a line `-- next file`. */
  readonly bad: string;
  /** The same done safely. */
  readonly good: string;
  /** A sentence for each fault that it finds. */
  check(at: At): readonly Said[];
}

/** One fault, and what it is about. */
export interface Said {
  readonly message: string;
  /** Absent: no single change. */
  readonly change?: Change;
}

/** A statement in its place. */
export interface At {
  readonly changes: readonly Change[];
  /** Without comments before it. */
  readonly sql: string;
  readonly script: Script;
  /** The most rows that it changes at once, where it is repeated until it changes none; null: it runs once. */
  readonly batch: number | null;
  /** What all statements before it have done. */
  readonly known: Known;
  /** Of those that follow in the same script. */
  readonly later: () => readonly (readonly Change[])[];
  /** Whether it is the script's only one. */
  readonly isAlone: boolean;
  /** What the database does in no transaction, in a word or two; null: it does it in one. */
  readonly doneOutside: string | null;
  readonly dialect: DatabaseKind;
  /** What of a block nobody can look into, as the end of a sentence. */
  readonly opaque: readonly string[];
}

type RuleOf<Kind extends Change["kind"]> = Omit<Rule, "check"> & {
  readonly of: readonly Kind[];
  /** What is wrong with one change; null: nothing. */
  readonly says: (change: ChangeOf<Kind>, at: At) => string | null;
};

/** A rule about changes of some kinds, one by one. */
export function ruleOf<Kind extends Change["kind"]>({ of, says, ...rule }: RuleOf<Kind>): Rule {
  const isMeant = (change: Change): change is ChangeOf<Kind> => of.some((kind) => kind === change.kind);
  return {
    ...rule,
    check: (at) =>
      at.changes.flatMap((change) => {
        const sentence = isMeant(change) ? says(change, at) : null;
        return sentence === null ? [] : [{ message: sentence, change }];
      }),
  };
}

/** Faults that are about no single change. */
export function said(sentences: readonly string[]): readonly Said[] {
  return sentences.map((message) => ({ message }));
}

/** A rule about changes of tables that were there before: nobody waits for one that the same script has made. */
export function ruleOfOld<Kind extends ChangeOfTable["kind"]>(rule: RuleOf<Kind>): Rule {
  return ruleOf<Kind>({
    ...rule,
    says: (change, at) => (at.known.isNew((change as ChangeOfTable).table) ? null : rule.says(change, at)),
  });
}

type ChangeOfTable = Extract<Change, { readonly table: string }>;
