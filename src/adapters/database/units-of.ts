import { FaultError } from "../../core/fault.ts";
import type { Script, Statement, Unit } from "./migration-file.ts";

/** A statement in its file, with the number of `-- batch: 1000` before it. */
type Placed<S extends Statement> = S & { readonly batch: number | null };

interface Reading<S extends Statement> {
  readonly begins: (statement: S) => boolean;
  readonly ends: (statement: S) => boolean;
  /** Why a batch of it would be repeated for ever; null: nobody can say by its text. */
  readonly neverEnds: (statement: S) => string | null;
}

/** What of a file is done at once: all of it in its transaction, else each statement, and what stands between BEGIN and COMMIT. Faults: migration-own-transaction, migration-endless. */
export function scriptOf<S extends Statement>(
  file: string,
  { all, isInTransaction }: { readonly all: readonly Placed<S>[]; readonly isInTransaction: boolean },
  { begins, ends, neverEnds }: Reading<S>,
): Script<S> {
  for (const each of all) {
    const why = each.batch === null ? null : neverEnds(each);
    if (why !== null) throw endlessBatch(file, each.line, why);
  }
  if (isInTransaction) {
    const own = all.find((each) => begins(each) || ends(each));
    if (own !== undefined) throw ownTransaction(file, own.line);
    const units = all.length === 0 ? [] : [{ from: 0, to: all.length, statements: all, batch: null }];
    return { units, statements: all.length, isInTransaction };
  }
  const units: Unit<S>[] = [];
  let open: { readonly from: number; readonly line: number; readonly statements: S[] } | null = null;
  for (const [index, each] of all.entries()) {
    // What the first of two had begun would be lost.
    if (begins(each) && open !== null) throw ownTransaction(file, each.line);
    if (begins(each)) open = { from: index, line: each.line, statements: [] };
    else if (ends(each)) {
      // What is rolled back is as good as never written.
      if (open !== null && !/^\s*rollback/i.test(each.sql))
        units.push({ from: open.from, to: index + 1, statements: open.statements, batch: null });
      open = null;
    } else if (open === null) units.push({ from: index, to: index + 1, statements: [each], batch: each.batch });
    else open.statements.push(each);
  }
  if (open !== null) throw ownTransaction(file, open.line);
  return { units, statements: all.length, isInTransaction };
}

function endlessBatch(file: string, line: number, why: string): FaultError {
  return new FaultError({
    code: "migration-endless",
    what: `What stands behind \`-- batch:\` here would never end. ${why}`,
    where: `${file}:${line}`,
    fix: "write an INSERT, UPDATE, DELETE or MERGE with a WHERE that no longer matches what is done; or leave `-- batch:` out",
  });
}

function ownTransaction(file: string, line: number): FaultError {
  return new FaultError({
    code: "migration-own-transaction",
    what: "This file begins or ends a transaction itself, and is run in one.",
    where: `${file}:${line}`,
    fix: "leave BEGIN and COMMIT out; or write `-- migrate:up transaction:false`, and close each BEGIN with its COMMIT",
  });
}
