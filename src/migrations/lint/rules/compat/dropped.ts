import { type Rule, ruleOf, ruleOfOld } from "../../rule.ts";
import { isMadeAnew } from "./made-anew.ts";

/** What the version that serves would no longer find: it is taken away. */
export const DROPPED_RULES: readonly Rule[] = [
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
];
