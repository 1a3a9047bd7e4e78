import { type Rule, ruleOf } from "../../rule.ts";
import { isMadeAnew } from "./made-anew.ts";

/** What the version that serves would no longer find: it has another name. */
export const RENAMED_RULES: readonly Rule[] = [
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
];
