import { bareName, mayBeSame } from "../../sql/object-name.ts";
import { type At, type Rule, ruleOf, ruleOfOld } from "../rule.ts";

/** What the version that serves now would no longer find, or no longer be allowed. */
export const COMPAT_RULES: readonly Rule[] = [
  ruleOfOld({
    name: "ban-drop-column",
    kind: "compat",
    isForSqlite: true,
    severity: "error",
    about: "The version that serves still reads or writes the column, if only by SELECT * or an ORM's list of columns.",
    fix: "Release a version that no longer uses it, then drop it in a migration with `-- phase: contract`.",
    bad: "ALTER TABLE orders DROP COLUMN note;",
    good: "-- phase: contract\nALTER TABLE orders DROP COLUMN note;",
    of: ["drop-column"],
    says: ({ table, column }, { known }) =>
      known.isNew(`${table}\0${column}`)
        ? null
        : `What serves and still uses ${column} of ${table} fails from then on, and its values are gone.`,
  }),
  ruleOf({
    name: "ban-drop-table",
    kind: "compat",
    isForSqlite: true,
    severity: "error",
    about: "The version that serves still uses the table.",
    fix: "Release a version that no longer uses it, then drop it in a migration with `-- phase: contract`.",
    bad: "DROP TABLE carts;",
    good: "-- phase: contract\nDROP TABLE carts;",
    of: ["drop"],
    says: ({ what, names }, at) => {
      const old = names.filter((name) => !at.known.isNew(name) && !isMadeAnew(name, at));
      return what === "table" && old.length > 0
        ? `What serves and still uses ${old.join(", ")} fails from then on, and the rows are gone.`
        : null;
    },
  }),
  ruleOf({
    name: "dropping-object",
    kind: "compat",
    isForSqlite: true,
    severity: "error",
    about: "Queries of the version that serves may still name the view, type, function, sequence or schema.",
    fix: "Release a version that no longer uses it, then drop it in a migration with `-- phase: contract`.",
    bad: "DROP VIEW open_orders;",
    good: "-- phase: contract\nDROP VIEW open_orders;",
    of: ["drop"],
    says: ({ what, names }, { known }) => {
      const old = names.filter((name) => !known.isNew(name));
      const isMeant = ["view", "type", "function", "sequence", "schema"].includes(what);
      return isMeant && old.length > 0
        ? `What serves and still uses the ${what} ${old.join(", ")} fails from then on.`
        : null;
    },
  }),
  ruleOf({
    name: "dropping-owned",
    kind: "compat",
    severity: "error",
    about:
      "DROP OWNED drops everything that the role owns in this database, tables with their rows too, and takes its rights.",
    fix: "Name what is to be dropped, in a migration with `-- phase: contract`.",
    bad: "DROP OWNED BY reports;",
    good: "-- phase: contract\nDROP TABLE report_runs;",
    of: ["drop-owned"],
    says: ({ roles }) => `Everything that ${roles.join(", ")} owns here is gone, and no way back brings it again.`,
  }),
  ruleOf({
    name: "renaming-column",
    kind: "compat",
    isForSqlite: true,
    severity: "error",
    about:
      "The version that serves knows the column by its old name, and the new version by its new one: one of them always fails.",
    fix: "Add a column of the new name, write to both, fill it, and drop the old one once nothing uses it.",
    bad: "ALTER TABLE orders RENAME COLUMN note TO remark;",
    good: "ALTER TABLE orders ADD COLUMN remark text;",
    of: ["rename"],
    says: ({ what, of, from, to }, { known }) =>
      what === "column" && !known.isNew(of) && !known.isNew(`${of}\0${from}`)
        ? `What serves asks ${of} for ${from}, and finds only ${to}.`
        : null,
  }),
  ruleOf({
    name: "renaming-table",
    kind: "compat",
    isForSqlite: true,
    severity: "error",
    about: "The version that serves knows the table by its old name.",
    fix: "Rename it and make a view of the old name in the same transaction, or keep the name.",
    bad: "ALTER TABLE orders RENAME TO purchases;",
    good: "CREATE VIEW purchases AS SELECT * FROM orders;",
    of: ["rename"],
    says: ({ what, from, to }, at) =>
      what === "table" && !at.known.isNew(from) && !isMadeAnew(from, at)
        ? `What serves asks for ${from}, and finds only ${to}.`
        : null,
  }),
  ruleOf({
    name: "renaming-object",
    kind: "compat",
    severity: "error",
    about:
      "Queries may name the view, schema, type, function or sequence, and ON CONFLICT ON CONSTRAINT the constraint.",
    fix: "Make one of the new name beside it, and drop the old one once nothing uses it.",
    bad: "ALTER TABLE customers RENAME CONSTRAINT customers_email TO customers_email_key;",
    good: "CREATE VIEW open_purchases AS SELECT * FROM open_orders;",
    of: ["rename", "move-schema"],
    says: (change, { known }) => {
      if (change.kind === "move-schema")
        return known.isNew(change.name)
          ? null
          : `What serves asks for ${change.name} where it no longer is: it moves to ${change.to}.`;
      const { what, of, from, to } = change;
      const isMeant = !["table", "column", "index", "other"].includes(what);
      const isNew = known.isNew(from) || known.isNew(of) || known.isNew(`${of}\0${from}`);
      return isMeant && !isNew ? `What serves and names the ${what} ${from} finds only ${to}.` : null;
    },
  }),
  ruleOf({
    name: "renaming-enum-value",
    kind: "compat",
    severity: "error",
    about: "The version that serves still reads and writes the old value.",
    fix: "Add the new value, write it, change the rows in batches, and leave the old one.",
    bad: "ALTER TYPE mood RENAME VALUE 'ok' TO 'fine';",
    good: "ALTER TYPE mood ADD VALUE 'fine' AFTER 'ok';",
    of: ["rename-enum-value"],
    says: ({ type, from, to }, { known }) =>
      known.isNew(type) ? null : `What serves writes '${from}' and is refused; it reads '${to}' and may not know it.`,
  }),
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
  ruleOf({
    name: "revoking-rights",
    kind: "compat",
    severity: "error",
    about: "The version that serves may need the right.",
    fix: "See that nothing uses it, then revoke it in a migration with `-- phase: contract`.",
    bad: "REVOKE SELECT ON orders FROM reports;",
    good: "-- phase: contract\nREVOKE SELECT ON orders FROM reports;",
    of: ["revoke"],
    says: ({ names }) => `What serves with that role can no longer use ${names.join(", ")}.`,
  }),
  ruleOfOld({
    name: "row-security",
    kind: "compat",
    severity: "error",
    about: "From then on a policy decides which rows the version that serves sees, and without one it sees none.",
    fix: "Make the policies first, try them with the service's own role, then enable them in a migration with `-- phase: contract`.",
    bad: "ALTER TABLE orders ENABLE ROW LEVEL SECURITY;",
    good: "CREATE TABLE invoices (id bigint);\nALTER TABLE invoices ENABLE ROW LEVEL SECURITY;",
    of: ["row-security"],
    says: ({ table }) => `What serves sees only those rows of ${table} that a policy lets it see.`,
  }),
  ruleOfOld({
    name: "adding-trigger",
    kind: "compat",
    severity: "info",
    about: "A trigger acts on what the version that serves writes too.",
    fix: "See that it does the same with what both versions write.",
    bad: "CREATE TRIGGER stamp BEFORE INSERT ON orders EXECUTE FUNCTION stamp();",
    good: "CREATE TABLE invoices (id bigint);\nCREATE TRIGGER stamp BEFORE INSERT ON invoices EXECUTE FUNCTION stamp();",
    of: ["create-trigger"],
    says: ({ table }) => `Acts on what the version that serves writes to ${table} too.`,
  }),
];

/** A table of SQLite is changed by making another of its name and copying its rows, in one go. */
function isMadeAnew(table: string, { dialect, later }: At): boolean {
  return (
    dialect === "sqlite" &&
    later().some((changes) =>
      changes.some(
        (change) =>
          (change.kind === "rename" && change.what === "table" && change.to === bareName(table)) ||
          (change.kind === "create-table" && mayBeSame(change.table, table)),
      ),
    )
  );
}
