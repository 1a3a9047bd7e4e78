import type { Change } from "../change.ts";
import type { Known } from "../known.ts";
import { type At, type Rule, ruleOf, said } from "../rule.ts";

export const TRANSACTION_RULES: readonly Rule[] = [
  {
    name: "ban-concurrent-index-creation-in-transaction",
    kind: "txn",
    severity: "error",
    about: "What is done CONCURRENTLY can't be done in a transaction: PostgreSQL refuses it.",
    fix: "Put it into a migration of its own that runs without a transaction (`-- migrate:up transaction:false`).",
    bad: "BEGIN;\nCREATE INDEX CONCURRENTLY orders_customer ON orders (customer_id);\nCOMMIT;",
    good: "CREATE INDEX CONCURRENTLY orders_customer ON orders (customer_id);",
    check: ({ changes, known, isAlone }) => {
      const concurrent = changes.find((change) => "isConcurrent" in change && change.isConcurrent);
      return concurrent !== undefined && concurrent.kind !== "refresh-view" && isInTransaction(known, isAlone)
        ? said(["PostgreSQL refuses this in a transaction."])
        : [];
    },
  },
  {
    name: "outside-of-transaction",
    kind: "txn",
    isForSqlite: true,
    severity: "error",
    about:
      "VACUUM, CREATE and DROP DATABASE, REINDEX of a schema or database, ALTER SYSTEM and the like PostgreSQL does in no transaction, and a file is run in one unless it says otherwise.",
    fix: "Put it into a migration of its own that runs without a transaction (`-- migrate:up transaction:false`).",
    bad: "-- migrate:up\nVACUUM orders;",
    good: "-- migrate:up transaction:false\nVACUUM orders;",
    check: ({ doneOutside, dialect, known, isAlone }) =>
      doneOutside !== null && isInTransaction(known, isAlone)
        ? said([`${dialect === "sqlite" ? "SQLite" : "PostgreSQL"} refuses ${doneOutside} in a transaction.`])
        : [],
  },
  {
    name: "own-transaction",
    kind: "txn",
    isForSqlite: true,
    severity: "error",
    about:
      "A file that is run in a transaction begins or ends one itself: what stands before could no longer be taken back together with what follows. `migrate up` refuses it, and a BEGIN in a BEGIN too.",
    fix: "Leave BEGIN and COMMIT out; or write `-- migrate:up transaction:false`, and close each BEGIN with its COMMIT.",
    bad: "-- migrate:up\nCREATE TABLE invoices (id bigint);\nCOMMIT;\nCREATE TABLE items (id bigint);",
    good: "-- migrate:up\nCREATE TABLE invoices (id bigint);\nCREATE TABLE items (id bigint);",
    check: ({ changes, known, script }) => {
      const [begins, ends] = [has(changes, "begin"), has(changes, "end")];
      if (script.transaction === "script" && (begins || ends))
        return said([`This ${begins ? "begins" : "ends"} a transaction in a file that is run in one.`]);
      return script.isOfTool && begins && known.transaction === "begun"
        ? said(["The transaction before is not ended yet."])
        : [];
    },
  },
  {
    name: "ban-uncommitted-transaction",
    kind: "txn",
    isForSqlite: true,
    severity: "error",
    about: "The file begins a transaction and does not end it: what it does may be thrown away.",
    fix: "End it with COMMIT.",
    bad: "BEGIN;\nCREATE TABLE invoices (id bigint);",
    good: "BEGIN;\nCREATE TABLE invoices (id bigint);\nCOMMIT;",
    check: ({ changes, later, script }) =>
      script.transaction !== "script" && has(changes, "begin") && !later().some((each) => has(each, "end"))
        ? said(["This transaction is never ended: what follows may be thrown away."])
        : [],
  },
  {
    name: "transaction-nesting",
    kind: "txn",
    severity: "warning",
    about: "A second BEGIN does nothing, and the first COMMIT ends both.",
    fix: "Leave it out, or use SAVEPOINT.",
    bad: "BEGIN;\nBEGIN;\nCOMMIT;",
    good: "BEGIN;\nCREATE TABLE invoices (id bigint);\nCOMMIT;",
    check: ({ changes, known, script }: At) =>
      // Of what Tidegate itself runs it is an error, which another rule tells.
      has(changes, "begin") && known.transaction !== null && !script.isOfTool
        ? said(["There is a transaction already: this does nothing, and the first COMMIT ends it."])
        : [],
  },
  {
    name: "unread-block",
    kind: "txn",
    severity: "info",
    about:
      "The statements of a DO block are looked at like any others, each at its own line. What is put together when it runs, or is written in another language than PL/pgSQL, nobody can look into before.",
    fix: "Write its statements as they are, where that can be; else look yourself what they lock and break.",
    bad: "DO $$ BEGIN EXECUTE format('ALTER TABLE %I ADD COLUMN note text', 'orders'); END $$;",
    good: "DO $$ BEGIN ALTER TABLE orders ADD COLUMN note text; END $$;",
    check: ({ opaque }) => said(opaque.map((why) => `Nobody has looked into this block: ${why}.`)),
  },
  {
    name: "copy-from-stdin",
    kind: "txn",
    severity: "error",
    about:
      "The rows behind COPY … FROM stdin are for psql: no server finds them in the file, so `migrate up` refuses it.",
    fix: "Write the rows as INSERT: pg_dump --inserts.",
    bad: "COPY orders (id) FROM stdin;",
    good: "INSERT INTO orders (id) VALUES (1);",
    check: ({ sql }) =>
      /^copy\s[^;]*\sfrom\s+stdin\b/i.test(sql) ? said(["Only psql finds the rows: `migrate up` refuses this."]) : [],
  },
  ruleOf({
    name: "unnamed-concurrent-index",
    kind: "txn",
    severity: "error",
    about:
      "What a cut off CREATE INDEX CONCURRENTLY leaves is found again by its name, so `migrate up` refuses one without.",
    fix: "Write CREATE INDEX CONCURRENTLY name ON ….",
    bad: "CREATE INDEX CONCURRENTLY ON orders (customer_id);",
    good: "CREATE INDEX CONCURRENTLY orders_customer ON orders (customer_id);",
    of: ["create-index"],
    says: ({ isConcurrent, name }) =>
      isConcurrent && name === null ? "Without a name nobody finds again what a run left that was cut off." : null,
  }),
  ruleOf({
    name: "enum-value-in-transaction",
    kind: "txn",
    severity: "info",
    about: "A value that is added to an enum can't be used before the transaction has ended.",
    fix: "Use it in a migration of its own.",
    bad: "BEGIN;\nALTER TYPE mood ADD VALUE 'fine' AFTER 'ok';\nUPDATE people SET mood = 'fine' WHERE id = 1;\nCOMMIT;",
    good: "ALTER TYPE mood ADD VALUE 'fine' AFTER 'ok';\n-- next file\nUPDATE people SET mood = 'fine' WHERE id = 1;",
    of: ["add-enum-value"],
    says: ({ type }, { known, later }) =>
      known.transaction !== null && later().some((each) => has(each, "write-rows") || has(each, "none"))
        ? `What follows in this transaction can't use the new value of ${type} yet.`
        : null,
  }),
];

/** Whoever is said to run files in transactions is taken to know of a statement that is alone in its file. */
function isInTransaction({ transaction }: Known, isAlone: boolean): boolean {
  return transaction !== null && !(transaction === "assumed" && isAlone);
}

function has(changes: readonly Change[], kind: Change["kind"]): boolean {
  return changes.some((change) => change.kind === kind);
}
