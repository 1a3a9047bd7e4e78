import { neverEnds } from "../batches.ts";
import { keyOfName } from "../../sql/object-name.ts";
import { isOfSchema } from "../known.ts";
import { type Rule, ruleOf, ruleOfOld, said } from "../rule.ts";

/** Changes of whole tables and their columns that keep others waiting. */
export const TABLE_RULES: readonly Rule[] = [
  ruleOfOld({
    name: "adding-field-with-default",
    kind: "lock",
    isBySize: true,
    severity: "error",
    about:
      "A default that differs from row to row has every row written anew, while nobody can read or write the table.",
    fix: "Add the column without a default, set the default in a second statement, and fill old rows in batches.",
    bad: "ALTER TABLE orders ADD COLUMN token uuid DEFAULT gen_random_uuid();",
    good: "ALTER TABLE orders ADD COLUMN token uuid;\nALTER TABLE orders ALTER COLUMN token SET DEFAULT gen_random_uuid();",
    of: ["add-column"],
    says: ({ table, column }) => {
      if (column.isGenerated)
        return `Writes all of ${table} anew to work out ${column.name} for each row, and nobody can read it meanwhile.`;
      return column.default === "volatile"
        ? `Writes all of ${table} anew to give each row its ${column.name}, and nobody can read it meanwhile.`
        : null;
    },
  }),
  ruleOfOld({
    name: "changing-column-type",
    aliases: ["E5"],
    kind: "lock",
    isBySize: true,
    severity: "error",
    about:
      "Most changes of a type have the whole table and its indexes written anew while nobody can read or write it, and the version that serves may not understand the new one.",
    fix: "Add a column of the new type, write to both, fill it in batches, and drop the old one once nothing uses it.",
    bad: "ALTER TABLE prices ALTER COLUMN amount TYPE bigint;",
    good: "ALTER TABLE prices ADD COLUMN amount_in_cents bigint;",
    of: ["change-type"],
    says: ({ table, column, type }) =>
      `Makes ${column} of ${table} ${type.name}: unless the old values can stay as they are, the whole table is written anew and nobody can read it meanwhile.`,
  }),
  ruleOfOld({
    name: "rewriting-table",
    kind: "lock",
    isBySize: true,
    severity: "error",
    about: "Changes of how a table is stored write all of it anew while nobody can read or write it.",
    fix: "Make a table of the new kind beside it and copy rows in batches, or do it with the service in maintenance.",
    bad: "ALTER TABLE events SET LOGGED;",
    good: "CREATE TABLE events_logged (LIKE events INCLUDING ALL);",
    of: ["rewrite-table"],
    says: ({ table, by }) => `${by} writes all of ${table} anew, and nobody can read it meanwhile.`,
  }),
  ruleOfOld({
    name: "adding-not-nullable-field",
    aliases: ["E2"],
    kind: "lock",
    isBySize: true,
    severity: "error",
    about:
      "SET NOT NULL looks at every row while nobody can read or write the table, unless a validated check proves that none is null.",
    fix: "Add CHECK (column IS NOT NULL) NOT VALID, validate it in a transaction of its own, then set NOT NULL and drop the check.",
    bad: "ALTER TABLE orders ALTER COLUMN paid_at SET NOT NULL;",
    good: "ALTER TABLE orders ADD CONSTRAINT paid_at_known CHECK (paid_at IS NOT NULL) NOT VALID;\nALTER TABLE orders VALIDATE CONSTRAINT paid_at_known;\nALTER TABLE orders ALTER COLUMN paid_at SET NOT NULL;\nALTER TABLE orders DROP CONSTRAINT paid_at_known;",
    of: ["set-not-null"],
    says: ({ table, column }, { known }) =>
      known.isNotNull(table, column) || known.isProvenNotNull(table, column)
        ? null
        : `Looks at every row of ${table} for a ${column} that is null, and nobody can read it meanwhile.`,
  }),
  ruleOfOld({
    name: "require-concurrent-partition-detach",
    kind: "lock",
    severity: "warning",
    about: "DETACH PARTITION stops readers and writers of the whole partitioned table.",
    fix: "Write DETACH PARTITION … CONCURRENTLY, outside of a transaction.",
    bad: "ALTER TABLE events DETACH PARTITION events_2024;",
    good: "ALTER TABLE events DETACH PARTITION events_2024 CONCURRENTLY;",
    of: ["detach-partition"],
    says: ({ table, isConcurrent }) =>
      isConcurrent ? null : `Nobody can read ${table} until the partition is off and the transaction has ended.`,
  }),
  ruleOf({
    name: "prefer-repack",
    kind: "lock",
    isBySize: true,
    severity: "error",
    about: "VACUUM FULL and CLUSTER write the table anew while nobody can read or write it.",
    fix: "Use pg_repack or pg_squeeze, or plain VACUUM.",
    bad: "VACUUM FULL orders;",
    good: "VACUUM ANALYZE orders;",
    of: ["repack"],
    says: ({ by, table }) => `${by} writes ${table ?? "every table"} anew, and nobody can read it meanwhile.`,
  }),
  ruleOf({
    name: "refreshing-view",
    kind: "lock",
    severity: "warning",
    about: "REFRESH MATERIALIZED VIEW stops readers of the view for as long as its query takes.",
    fix: "Give the view a unique index and write REFRESH MATERIALIZED VIEW CONCURRENTLY.",
    bad: "REFRESH MATERIALIZED VIEW sales_by_day;",
    good: "REFRESH MATERIALIZED VIEW CONCURRENTLY sales_by_day;",
    of: ["refresh-view"],
    says: ({ view, isConcurrent }, { known }) =>
      isConcurrent || known.isNew(view) ? null : `Nobody can read ${view} until it is filled anew.`,
  }),
  ruleOfOld({
    name: "writing-all-rows",
    kind: "lock",
    isBySize: true,
    severity: "warning",
    about:
      "One UPDATE or DELETE of all rows holds every one of them until it ends, keeps vacuum from its work, and doubles the table for a while.",
    fix: "Do it in batches of some thousand rows, each in a transaction of its own, as a backfill.",
    bad: "UPDATE orders SET currency = 'EUR';",
    good: "UPDATE orders SET currency = 'EUR' WHERE id BETWEEN 1 AND 5000;",
    of: ["write-rows"],
    says: ({ by, table, isWhole }) =>
      isWhole && by !== "INSERT" ? `One ${by} of all rows holds every row of ${table} until it ends.` : null,
  }),
  {
    name: "endless-backfill",
    kind: "lock",
    isForSqlite: true,
    severity: "error",
    about:
      "What `-- batch:` stands before is repeated until it changes no row. Without WHERE it finds the same rows each time, and a SELECT or a command never says that it has changed none.",
    fix: "Give an INSERT, UPDATE, DELETE or MERGE a WHERE that no longer matches what is done.",
    bad: "-- phase: backfill\n-- batch: 5000\nUPDATE orders SET currency = 'EUR';",
    good: "-- phase: backfill\n-- batch: 5000\nUPDATE orders SET currency = 'EUR' WHERE id IN (SELECT id FROM orders WHERE currency IS NULL LIMIT 5000);",
    check: ({ changes, batch }) => {
      const sentence = batch === null ? null : neverEnds(changes);
      return sentence === null ? [] : said([sentence]);
    },
  },
  ruleOf({
    name: "locking-table",
    kind: "lock",
    severity: "warning",
    about: "A lock on a whole table that is asked for by name keeps others waiting until the transaction ends.",
    fix: "Leave it out: each statement takes the lock that it needs.",
    bad: "BEGIN;\nLOCK TABLE orders;\nCOMMIT;",
    good: "SELECT count(*) FROM orders;",
    of: ["lock-table"],
    says: ({ tables }) => `Holds ${tables.join(", ")} until the transaction ends.`,
  }),
  {
    name: "working-behind-lock",
    aliases: ["E4"],
    kind: "lock",
    isBySize: true,
    severity: "error",
    about:
      "After a change that stops readers of a table, the same transaction reads or writes rows: readers wait until that is done too.",
    fix: "Put what takes long into a migration of its own, after this transaction.",
    bad: "BEGIN;\nALTER TABLE orders ADD COLUMN state text;\nUPDATE orders SET state = 'open' WHERE paid_at IS NULL;\nCOMMIT;",
    good: "ALTER TABLE orders ADD COLUMN state text;\n-- next file\nUPDATE orders SET state = 'open' WHERE id BETWEEN 1 AND 5000;",
    check: ({ changes, known, sql }) => {
      const long = changes.find(
        ({ kind }) =>
          ["write-rows", "validate-constraint", "create-index", "refresh-view"].includes(kind) ||
          (kind === "none" && /^\s*(?:with|select|copy)\b/i.test(sql)),
      );
      if (long === undefined || known.lockedTable === null) return [];
      const message = `Nobody can read ${known.lockedTable} until this ends too: it was locked earlier in the transaction.`;
      return [{ message, change: long }];
    },
  },
  {
    name: "several-alters",
    aliases: ["W12"],
    kind: "lock",
    severity: "info",
    about: "Each ALTER TABLE waits for its lock anew, and each may look at the whole table.",
    fix: "Write them as one ALTER TABLE with several parts.",
    bad: "ALTER TABLE orders ADD COLUMN a text;\nALTER TABLE orders ADD COLUMN b text;",
    good: "ALTER TABLE orders ADD COLUMN a text, ADD COLUMN b text;",
    check: ({ changes: [first], known }) =>
      first !== undefined &&
      "table" in first &&
      first.table !== null &&
      isOfSchema(first) &&
      first.kind !== "create-index" &&
      keyOfName(first.table) === keyOfName(known.alteredBefore ?? "") &&
      !known.isNew(first.table)
        ? said([`${first.table} was altered by the statement before too: one could do both.`])
        : [],
  },
  {
    name: "require-timeout-settings",
    aliases: ["require-statement-timeout", "E9"],
    kind: "lock",
    severity: "info",
    about:
      "A change that waits for its lock has all later requests wait behind it. With a lock_timeout it gives up, and can be tried again. Tidegate sets one itself when it runs migrations.",
    fix: "Begin with SET lock_timeout = '1s' and SET statement_timeout = '30s', where another tool runs it.",
    bad: "ALTER TABLE orders ADD COLUMN note text;",
    good: "SET lock_timeout = '1s';\nSET statement_timeout = '30s';\nALTER TABLE orders ADD COLUMN note text;",
    check: ({ changes, known }) => {
      if (known.hasChangedSchema || !changes.some(isOfSchema)) return [];
      const missing = ["lock_timeout", "statement_timeout"].filter((variable) => !known.isSet(variable));
      return missing.length === 0 ? [] : said([`Nothing has set ${missing.join(" and ")} before.`]);
    },
  },
];
