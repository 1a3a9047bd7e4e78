import { type Rule, ruleOf, ruleOfOld } from "../rule.ts";

export const INDEX_RULES: readonly Rule[] = [
  ruleOfOld({
    name: "require-concurrent-index-creation",
    aliases: ["E6"],
    kind: "lock",
    isBySize: true,
    severity: "error",
    about: "CREATE INDEX stops all writes to the table until the index is built.",
    fix: "Write CREATE INDEX CONCURRENTLY, outside of a transaction.",
    bad: "CREATE INDEX orders_customer ON orders (customer_id);",
    good: "CREATE INDEX CONCURRENTLY orders_customer ON orders (customer_id);",
    of: ["create-index"],
    says: ({ table, isConcurrent }) => (isConcurrent ? null : `Nobody can write to ${table} until the index is built.`),
  }),
  ruleOf({
    name: "require-concurrent-index-deletion",
    kind: "lock",
    severity: "warning",
    about: "DROP INDEX waits for every reader of the table, and all later ones wait behind it.",
    fix: "Write DROP INDEX CONCURRENTLY, outside of a transaction.",
    bad: "DROP INDEX orders_customer;",
    good: "DROP INDEX CONCURRENTLY orders_customer;",
    of: ["drop"],
    says: ({ what, names, isConcurrent }, { known }) => {
      const old = names.filter((name) => !known.isNew(name));
      if (what !== "index" || isConcurrent || old.length === 0) return null;
      return `Waits for everybody who reads the table of ${old.join(", ")}, and everybody else waits behind it.`;
    },
  }),
  ruleOf({
    name: "require-concurrent-reindex",
    kind: "lock",
    isBySize: true,
    severity: "error",
    about: "REINDEX stops all writes to the table, and all readers who would use the index.",
    fix: "Write REINDEX … CONCURRENTLY, outside of a transaction.",
    bad: "REINDEX TABLE orders;",
    good: "REINDEX TABLE CONCURRENTLY orders;",
    of: ["reindex"],
    says: ({ what, isConcurrent, isSystem }) =>
      isConcurrent || isSystem ? null : `Nobody can write to what ${what} is part of until its indexes are built anew.`,
  }),
];
