import { type Rule, ruleOf, ruleOfOld } from "../../rule.ts";

/** Rows that the version that serves would no longer find. */
export const EMPTIED_RULES: readonly Rule[] = [
  ruleOf({
    name: "ban-truncate-cascade",
    kind: "compat",
    severity: "error",
    about: "TRUNCATE … CASCADE empties every table that points to these, and theirs.",
    fix: "Name each table that is to be emptied.",
    bad: "TRUNCATE customers CASCADE;",
    good: "-- tidegate:allow truncating-table because nothing has written to it yet\nTRUNCATE imports;",
    of: ["truncate"],
    says: ({ tables, isCascading }) =>
      isCascading ? `Empties ${tables.join(", ")} and every table that points there.` : null,
  }),
  ruleOf({
    name: "truncating-table",
    kind: "compat",
    severity: "error",
    about: "The rows are gone at once for the version that serves too, and no way back brings them again.",
    fix: "Delete what is not needed in batches, in a migration with `-- phase: contract`.",
    bad: "TRUNCATE imports;",
    good: "DELETE FROM imports WHERE id BETWEEN 1 AND 5000;",
    of: ["truncate"],
    says: ({ tables }, { known }) => {
      const old = tables.filter((table) => !known.isNew(table));
      return old.length === 0 ? null : `The rows of ${old.join(", ")} are gone, for what serves too.`;
    },
  }),
  ruleOfOld({
    name: "deleting-all-rows",
    kind: "compat",
    isForSqlite: true,
    severity: "error",
    about: "DELETE without WHERE takes every row from the version that serves too, and no way back brings them again.",
    fix: "Say which rows in a WHERE; or empty the table once nothing needs it, in a migration with `-- phase: contract`.",
    bad: "DELETE FROM imports;",
    good: "DELETE FROM imports WHERE id BETWEEN 1 AND 5000;",
    of: ["write-rows"],
    says: ({ by, table, isWhole }) =>
      isWhole && by === "DELETE" ? `The rows of ${table} are gone, for what serves too.` : null,
  }),
];
