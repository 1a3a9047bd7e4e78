import { type Rule, ruleOf, ruleOfOld } from "../../rule.ts";

/** What the version that serves writes, and would be refused from then on, or mean something else. */
export const WRITTEN_RULES: readonly Rule[] = [
  ruleOfOld({
    name: "adding-required-field",
    aliases: ["new-required-column"],
    kind: "compat",
    isForSqlite: true,
    severity: "error",
    about:
      "A column that must be given and has no default: rows that are there can't have it, and the version that serves does not give it.",
    fix: "Add it with a default, or let it be null until nothing old writes to the table.",
    bad: "ALTER TABLE orders ADD COLUMN currency text NOT NULL;",
    good: "ALTER TABLE orders ADD COLUMN currency text NOT NULL DEFAULT 'EUR';",
    of: ["add-column"],
    says: ({ table, column }) =>
      column.isNotNull && column.default === "none" && !column.isIdentity && !column.isGenerated
        ? `Fails if ${table} has rows, and what serves can't insert any more: it knows nothing of ${column.name}.`
        : null,
  }),
  ruleOfOld({
    name: "dropping-default",
    kind: "compat",
    severity: "error",
    about: "The version that serves may leave the column out and count on its default.",
    fix: "Release a version that gives the value, then drop the default in a migration with `-- phase: contract`.",
    bad: "ALTER TABLE orders ALTER COLUMN currency DROP DEFAULT;",
    good: "-- phase: contract\nALTER TABLE orders ALTER COLUMN currency DROP DEFAULT;",
    of: ["drop-default"],
    says: ({ table, column }) =>
      `What serves and inserts into ${table} without ${column} gets null there, or is refused.`,
  }),
  ruleOfOld({
    name: "dropping-constraint",
    kind: "compat",
    severity: "warning",
    about:
      "INSERT … ON CONFLICT of the version that serves fails without the unique constraint that it names or needs, and what a check kept out comes in.",
    fix: "See that nothing counts on it, then drop it in a migration with `-- phase: contract`.",
    bad: "ALTER TABLE customers DROP CONSTRAINT customers_email;",
    good: "-- phase: contract\nALTER TABLE customers DROP CONSTRAINT customers_email;",
    of: ["drop-constraint"],
    says: ({ table, name }, { known }) =>
      known.isNew(`${table}\0${name}`)
        ? null
        : `Where what serves says ON CONFLICT for ${name} of ${table}, its inserts fail from then on.`,
  }),
  ruleOf({
    name: "dropping-unique-index",
    kind: "compat",
    isForSqlite: true,
    severity: "warning",
    about:
      "INSERT … ON CONFLICT of the version that serves fails without the unique index of its columns, and what comes twice is no longer refused. Speaks of an index that an earlier file has made, or that is in the database.",
    fix: "See that nothing counts on it, then drop it in a migration with `-- phase: contract`.",
    bad: "CREATE UNIQUE INDEX CONCURRENTLY customers_email ON customers (email);\n-- next file\nDROP INDEX CONCURRENTLY customers_email;",
    good: "-- phase: contract\nDROP INDEX CONCURRENTLY customers_email;",
    of: ["drop"],
    says: ({ what, names }, { known }) => {
      const old = what === "index" ? names.filter((name) => !known.isNew(name) && known.isUniqueIndex(name)) : [];
      return old.length === 0
        ? null
        : `Where what serves says ON CONFLICT for the columns of ${old.join(", ")}, its inserts fail from then on.`;
    },
  }),
  ruleOfOld({
    name: "narrowing-constraint",
    kind: "compat",
    severity: "warning",
    about:
      "A new rule about rows holds for the version that serves too, and it may not keep it. NOT VALID does not change that: new rows are always checked.",
    fix: "Release a version that keeps the rule, look that all rows do, then add it.",
    bad: "ALTER TABLE orders ADD CONSTRAINT total_known CHECK (total >= 0) NOT VALID;",
    good: "SELECT count(*) FROM orders WHERE total < 0;",
    of: ["add-constraint", "set-not-null"],
    says: (change) => {
      const what =
        change.kind === "set-not-null"
          ? `without ${change.column}`
          : {
              check: "against the check",
              foreign: "against the foreign key",
              unique: "twice",
              primary: "twice",
              exclusion: "against it",
            }[change.constraint.kind];
      return `What serves is refused if it still writes to ${change.table} ${what}.`;
    },
  }),
];
