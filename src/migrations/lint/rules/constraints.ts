import { nameBeside } from "../../sql/object-name.ts";
import type { Constraint } from "../change.ts";
import { type Rule, ruleOf, ruleOfOld } from "../rule.ts";

/** Constraints that are added while others read and write. */
export const CONSTRAINT_RULES: readonly Rule[] = [
  ruleOfOld({
    name: "adding-foreign-key-constraint",
    aliases: ["constraint-missing-not-valid"],
    kind: "lock",
    isBySize: true,
    severity: "error",
    about: "A foreign key that is added looks at every row while nobody can write to either of its tables.",
    fix: "Add it with NOT VALID, then VALIDATE CONSTRAINT in a transaction of its own.",
    bad: "ALTER TABLE orders ADD CONSTRAINT orders_customer FOREIGN KEY (customer_id) REFERENCES customers (id);",
    good: "ALTER TABLE orders ADD CONSTRAINT orders_customer FOREIGN KEY (customer_id) REFERENCES customers (id) NOT VALID;\nALTER TABLE orders VALIDATE CONSTRAINT orders_customer;",
    of: ["add-constraint", "add-column"],
    says: (change) => {
      const keys = constraintsOf(change).filter(({ kind, isValidated }) => kind === "foreign" && isValidated);
      return keys.length === 0
        ? null
        : `Looks at every row of ${change.table} for the foreign key, and nobody can write to it or to the other table meanwhile.`;
    },
  }),
  ruleOfOld({
    name: "constraint-missing-not-valid",
    aliases: ["E1"],
    kind: "lock",
    isBySize: true,
    severity: "error",
    about:
      "A check that is added looks at every row while nobody can read or write the table; so does one that is validated in the transaction that added it.",
    fix: "Add it with NOT VALID, then VALIDATE CONSTRAINT in a transaction of its own.",
    bad: "ALTER TABLE orders ADD CONSTRAINT total_known CHECK (total >= 0);",
    good: "ALTER TABLE orders ADD CONSTRAINT total_known CHECK (total >= 0) NOT VALID;\nALTER TABLE orders VALIDATE CONSTRAINT total_known;",
    of: ["add-constraint", "add-column", "validate-constraint"],
    says: (change, { known }) => {
      if (change.kind === "validate-constraint")
        return known.isAddedUnvalidated(change.table, change.name)
          ? `${change.name} was added in the same transaction: ${change.table} stays locked while every row is looked at.`
          : null;
      const isChecked = constraintsOf(change).some(({ kind, isValidated }) => kind === "check" && isValidated);
      return isChecked
        ? `Looks at every row of ${change.table} for the check, and nobody can read it meanwhile.`
        : null;
    },
  }),
  ruleOfOld({
    name: "adding-serial-primary-key-field",
    kind: "lock",
    isBySize: true,
    severity: "error",
    about: "A primary key that is added builds its index and looks for nulls while nobody can read or write the table.",
    fix: "CREATE UNIQUE INDEX CONCURRENTLY first, then ADD PRIMARY KEY USING INDEX.",
    bad: "ALTER TABLE items ADD PRIMARY KEY (id);",
    good: "CREATE UNIQUE INDEX CONCURRENTLY items_id ON items (id);\nALTER TABLE items ADD CONSTRAINT items_pkey PRIMARY KEY USING INDEX items_id;",
    of: ["add-constraint", "add-column"],
    says: (change) =>
      constraintsOf(change).some(({ kind, index }) => kind === "primary" && index === null)
        ? `Builds the index of the primary key of ${change.table}, and nobody can read it meanwhile.`
        : null,
  }),
  ruleOfOld({
    name: "disallowed-unique-constraint",
    aliases: ["E7"],
    kind: "lock",
    isBySize: true,
    severity: "error",
    about: "A unique constraint that is added builds its index while nobody can read or write the table.",
    fix: "CREATE UNIQUE INDEX CONCURRENTLY first, then ADD CONSTRAINT … UNIQUE USING INDEX.",
    bad: "ALTER TABLE customers ADD CONSTRAINT customers_email UNIQUE (email);",
    good: "CREATE UNIQUE INDEX CONCURRENTLY customers_email ON customers (email);\nALTER TABLE customers ADD CONSTRAINT customers_email UNIQUE USING INDEX customers_email;",
    of: ["add-constraint", "add-column"],
    says: (change) =>
      constraintsOf(change).some(({ kind, index }) => kind === "unique" && index === null)
        ? `Builds an index of all of ${change.table}, and nobody can read it meanwhile.`
        : null,
  }),
  ruleOfOld({
    name: "adding-exclusion-constraint",
    aliases: ["E8"],
    kind: "lock",
    isBySize: true,
    severity: "error",
    about:
      "An exclusion constraint builds its index while nobody can read or write the table, and there is no way to do that beside them.",
    fix: "Make a table with the constraint beside the old one and move rows in batches, or see to it in the application.",
    bad: "ALTER TABLE bookings ADD CONSTRAINT no_overlap EXCLUDE USING gist (during WITH &&);",
    good: "CREATE TABLE bookings_by_room (during tstzrange, EXCLUDE USING gist (during WITH &&));",
    of: ["add-constraint"],
    says: ({ table, constraint }) =>
      constraint.kind === "exclusion" ? `Builds an index of all of ${table}, and nobody can read it meanwhile.` : null,
  }),
  ruleOfOld({
    name: "primary-key-of-nullable",
    aliases: ["W14"],
    kind: "lock",
    isBySize: true,
    severity: "warning",
    about:
      "A primary key whose columns may be null looks at every row while nobody can read or write the table, even where its index is there.",
    fix: "Make the columns NOT NULL first, by a check that is validated before.",
    bad: "CREATE UNIQUE INDEX CONCURRENTLY items_id ON items (id);\nALTER TABLE items ADD CONSTRAINT items_pkey PRIMARY KEY USING INDEX items_id;",
    good: "CREATE TABLE items (id bigint NOT NULL);\n-- next file\nCREATE UNIQUE INDEX CONCURRENTLY items_id ON items (id);\nALTER TABLE items ADD CONSTRAINT items_pkey PRIMARY KEY USING INDEX items_id;",
    of: ["add-constraint"],
    says: ({ table, constraint: { kind, index } }, { known }) => {
      if (kind !== "primary" || index === null) return null;
      const columns = known.columnsOfIndex(nameBeside(table, index));
      if (columns === null) return null;
      const open = columns.filter((column) => column !== null && !known.isNotNull(table, column));
      return open.length === 0
        ? null
        : `Looks at every row of ${table} for a null in ${open.join(", ")}, and nobody can read it meanwhile.`;
    },
  }),
  ruleOf({
    name: "ban-alter-domain-with-add-constraint",
    kind: "lock",
    severity: "error",
    about: "A constraint of a domain is checked in every row of every table that uses it, and they all wait.",
    fix: "Put the check on the tables, as NOT VALID first.",
    bad: "ALTER DOMAIN price ADD CONSTRAINT positive CHECK (VALUE > 0);",
    good: "ALTER TABLE orders ADD CONSTRAINT positive_total CHECK (total > 0) NOT VALID;",
    of: ["constrain-domain"],
    says: ({ name }, { known }) =>
      known.isNew(name)
        ? null
        : `Checks every row of every table that uses ${name}, and none of them can be written meanwhile.`,
  }),
  ruleOf({
    name: "ban-create-domain-with-constraint",
    kind: "lock",
    severity: "info",
    about: "A domain's constraint can't be changed later without a look at all rows that use it.",
    fix: "Make the domain without it, or use a type and a check on the table.",
    bad: "CREATE DOMAIN price AS numeric(15, 5) CHECK (VALUE > 0);",
    good: "CREATE DOMAIN price AS numeric(15, 5);",
    of: ["create-domain"],
    says: ({ name, hasConstraint }) =>
      hasConstraint ? `The constraint of ${name} can't be changed later without a look at all rows that use it.` : null,
  }),
];

function constraintsOf(
  change:
    | { readonly kind: "add-constraint"; readonly constraint: Constraint }
    | { readonly kind: "add-column"; readonly column: { readonly constraints: readonly Constraint[] } },
): readonly Constraint[] {
  return change.kind === "add-constraint" ? [change.constraint] : change.column.constraints;
}
