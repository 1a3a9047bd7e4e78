import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { lint } from "../../src/migrations/lint/lint.ts";
import { loadParser } from "../../src/migrations/sql/parser.ts";
import { findingsOf, linted, rulesOf } from "./support.ts";

const parse = await loadParser();

const DROP = "ALTER TABLE orders DROP COLUMN note;";

describe("a migration", () => {
  it("may change what it makes itself", () => {
    assert.deepEqual(
      rulesOf(`
        CREATE TABLE public.invoices (id bigint NOT NULL, note text, body text);
        ALTER TABLE invoices ADD CONSTRAINT known CHECK (note <> '');
        ALTER TABLE invoices ALTER COLUMN note SET NOT NULL;
        ALTER TABLE invoices RENAME COLUMN note TO remark;
        ALTER TABLE invoices ADD COLUMN at timestamptz DEFAULT clock_timestamp();
        ALTER TABLE invoices DROP COLUMN at;
        CREATE INDEX invoices_id ON invoices (id);
        DROP INDEX invoices_id;
        UPDATE invoices SET body = '';
        DROP TABLE public.invoices;`).filter((rule) => rule !== "require-timeout-settings"),
      [],
    );
  });

  it("finds what another file has made in use", () => {
    const made = "CREATE TABLE public.invoices (id bigint NOT NULL);";
    assert.ok(
      rulesOf(made, "CREATE INDEX invoices_id ON invoices (id);").includes("require-concurrent-index-creation"),
    );
  });

  it("tells tables of one name in two schemas apart, as far as it says or its search_path does", () => {
    const drops = (text: string): boolean => rulesOf(text).includes("ban-drop-table");
    assert.ok(drops("CREATE TABLE a.users (id bigint); DROP TABLE b.users;"));
    assert.ok(drops("CREATE TABLE users (id bigint); DROP TABLE b.users;"));
    assert.ok(!drops("CREATE TABLE a.users (id bigint); DROP TABLE a.users;"));
    assert.ok(!drops("CREATE TABLE public.users (id bigint); DROP TABLE users;"));
    assert.ok(!drops("SET search_path = a; CREATE TABLE users (id bigint); DROP TABLE a.users;"));
    assert.ok(!drops("CREATE TABLE a.users (id bigint); SET LOCAL search_path TO 'a'; DROP TABLE users;"));
    assert.ok(drops("CREATE TABLE a.users (id bigint); SET search_path = b; DROP TABLE users;"));
    assert.ok(drops("SET search_path = a; CREATE TABLE users (id bigint); RESET search_path; DROP TABLE users;"));
    assert.ok(!drops('CREATE TABLE "a.b" (id bigint); DROP TABLE "a.b";'));
    assert.ok(drops('CREATE TABLE "a.b" (id bigint); DROP TABLE a.b;'));
    const index = "CREATE TABLE a.users (id bigint); CREATE INDEX i ON a.users (id);";
    assert.ok(!rulesOf(`${index} DROP INDEX a.i;`).includes("require-concurrent-index-deletion"));
    assert.ok(rulesOf(`${index} DROP INDEX b.i;`).includes("require-concurrent-index-deletion"));
    const [finding] = findingsOf("DROP TABLE b.users;").filter(({ rule }) => rule === "ban-drop-table");
    assert.match(finding?.message ?? "", /still uses b\.users fails/);
  });

  it("may break the old version once nobody needs it any more", () => {
    assert.ok(rulesOf(DROP).includes("ban-drop-column"));
    assert.ok(!rulesOf(`-- phase: contract\n${DROP}`).includes("ban-drop-column"));
    // Whom it keeps waiting is another matter.
    assert.ok(rulesOf("-- phase: contract\nVACUUM FULL orders;").includes("prefer-repack"));
  });

  it("says of itself only what there is: a misspelt phase or way back is an error with its line", () => {
    const said = linted(["-- migrate:up\n-- phase: contarct\n-- reversible: maybe\nSELECT 1;"]);
    assert.deepEqual(
      said.flatMap(({ line, findings }) =>
        findings.map(({ rule, severity, message }) => [line, rule, severity, message]),
      ),
      [[2, "misspelt-header", "error", "There is no phase `contarct`: expand, backfill or contract."]],
    );
    assert.deepEqual(rulesOf("-- phase: backfill\n-- reversible: no\nSELECT 1;"), []);
  });

  it("is run as a whole: SQL before its marks, and a mark that stands there again, are errors with their line", () => {
    const found = (text: string): readonly (readonly [number, string, string])[] =>
      linted([text]).flatMap(({ line, findings }) =>
        findings.flatMap(({ rule, severity, message }) =>
          rule === "never-runs" ? [[line, severity, message] as const] : [],
        ),
      );
    const up = "-- migrate:up\nSELECT 1;\n";
    const down = "-- migrate:down\nSELECT 2;\n";
    assert.deepEqual(found(`${up}${up}${down}`), [
      [3, "error", "`-- migrate:up` stands here again: what is below it would never run, only what is below line 1."],
    ]);
    assert.deepEqual(found(`${up}${down}  -- MIGRATE:DOWN\nSELECT 3;`), [
      [5, "error", "`-- MIGRATE:DOWN` stands here again: what is below it would never run, only what is below line 3."],
    ]);
    for (const text of ["CREATE TABLE a (id int);", "shop", "/* unfinished"])
      assert.deepEqual(found(`-- of the shop\n${text}\n${up}${down}`), [
        [2, "error", `\`${text}\` stands before the first mark, so it would never run.`],
      ]);
    assert.deepEqual(found(`SELECT 1;\n${down}`).length, 1);
    for (const text of [up + down, down + up, `/* of\nthe shop */ -- phase: expand\n\n${up}`, "SELECT 1;"])
      assert.deepEqual(found(text), [], text);
    // What a tool prints it runs as a whole, whatever stands in it.
    const printed = { name: "1", text: up + up, isPrinted: true as const };
    assert.deepEqual(
      lint([printed], { parse, isTransactionAssumed: true }).flatMap(({ findings }) => findings),
      [],
    );
  });

  it("means something with every comment that looks like one of Tidegate's", () => {
    const isRefused = (text: string): boolean => rulesOf(`${text}\nSELECT 1;`).includes("misspelt-header");
    const wrong = [
      "-- phases: contract",
      "-- phaze: contract",
      "/* phase: contract */",
      "-- phase: expand\n-- phase: contract",
      "-- phase: backfill, contract",
      "-- tidegate: phase=contarct",
      "-- tidegate: faze=contract",
      "-- revesible: no",
      "-- migrate:dwon",
      "-- migrate: down",
      "-- migrate:up transaction:flase",
      "-- migrate:up transaction: false",
      "-- bacth: 100",
      "-- batch: lots",
      "-- batch: 0",
      "-- batch: 100.5",
      "-- batch 100",
      "-- phase contract",
      "-- migrate down",
      "/* migrate:down */",
      "SELECT 2; -- migrate:down",
      "--- phase: contract",
      "-- # phase: contract",
      "-- * phase: contarct",
      "-- [phase: contract]",
      "---- reversible: no ----",
      "--- migrate:down",
      "--- tidegate: phase=contract",
      "-- # batch: 100\nSELECT 2;",
      "-- fase: contract",
      "-- phase ; contract",
      "-- phase := contract",
      "-- phase - contract",
      "-- phase -> contract",
      "-- phaze; contract",
      "-- batch; 100",
      "-- migration:up",
      "-- migrations: down",
      "-- migrate; down",
      "-- migrate_down",
      "SELECT 2; -- phase: contract",
      "SELECT 2; -- tidegate: phase=contract",
      "SELECT 2; /* phase: contract */",
      "/* tidegate: phase=contract */",
    ];
    assert.deepEqual(
      wrong.filter((text) => !isRefused(text)),
      [],
    );
    const right = [
      "-- migrate:up transaction:false",
      "-- tidegate: phase=contract, reversible=no, transaction=no",
      "-- phase: expand (until 2.0)",
      "-- migrate: users to accounts",
      "-- phrase: of the day",
      "-- match: 100",
      "-- patch: 12",
      "-- Batch: see ticket 12",
      "-- Phase: see JIRA-12",
      "-- phase: 1",
      "-- phases: expand, backfill and contract (see the wiki)",
      "-- tidegate: see docs/x",
      "-- Reversible: drop the table",
      "-- migrate down the stream",
      "--migrate:dowm is not used",
      "DO $$ BEGIN\n-- phase: contarct\nNULL; END $$;",
      "-- a comment: with a colon",
      "--- Phases of the moon ---",
      "-- - phase: expand adds the column",
      "-- # phase 2 of 3: contract later",
      "-- * migrate down the stream",
      "-- - migrate up",
      "-- # migrate: down the stream",
      "-- => batch: see ticket 12",
      "-- phase - see the wiki",
      "-- Phase; then we contract",
      "-- face: expanded by hand",
      "-- migration: users to accounts",
      "-- migration up to 2.0",
      "-- migrated: up to ticket 12",
      "-- batch - 100 of them",
      "-- Batch: 2026-04 of the import\n-- migrate:up",
      "SELECT 2; -- the contract phase comes later",
      "CREATE TABLE a (\n  phase text, -- phase: contract\n  batch int -- batch: 100\n);",
      "SELECT '\n--- phase: contract\n';",
      "SELECT E'it\\'s\n-- migrate: down\n';",
    ];
    assert.deepEqual(right.filter(isRefused), []);
    for (const text of ["-- phase : contract", "-- phase=contract", "-- tidegate: phase=contract, reversible=no"])
      assert.ok(
        !rulesOf(`${text}\n${DROP}`).some((rule) => ["ban-drop-column", "misspelt-header"].includes(rule)),
        text,
      );
  });

  it("says in how many rows a statement is done before it, and nowhere else", () => {
    const found = (text: string): readonly (readonly [number, string])[] =>
      linted([text]).flatMap(({ line, findings }) =>
        findings.flatMap(({ rule, message }) => (rule === "misspelt-header" ? [[line, message] as const] : [])),
      );
    const update = "UPDATE orders SET total = 1 WHERE total IS NULL";
    const behind = "`-- batch: 100` stands behind a statement, where it says nothing.";
    const before = "`-- batch: 100` stands before no statement here, so it is applied to none.";
    assert.deepEqual(found(`-- migrate:up\n${update}; -- batch: 100\n${update};`), [[2, behind]]);
    assert.deepEqual(found(`${update} -- batch: 100`), [[1, behind]]);
    assert.deepEqual(found(`${update} -- batch: 100\n;`), [[1, behind]]);
    assert.deepEqual(found(`${update};\n-- batch: 100\n`), [[2, before]]);
    assert.deepEqual(found(`-- batch: 100\n-- migrate:up\n${update};`), [[1, before]]);
    assert.deepEqual(found(`-- migrate:up\n${update};\n-- batch: 100\n-- migrate:down\nSELECT 1;`), [[3, before]]);
    assert.deepEqual(found("UPDATE orders\n-- batch: 100\nSET total = 1 WHERE total IS NULL;"), [[2, before]]);
    const body = "CREATE FUNCTION f() RETURNS int LANGUAGE sql AS $größe$ SELECT 'it' || 1 -- don't\n$größe$;";
    for (const first of [body, "SELECT $1, 'it''s', \"a'b\", E'\\';' /* don't */;", "-- don't"])
      assert.deepEqual(found(`${first}\n-- batch: 100\n${update};`), [], first);
    assert.deepEqual(found(`-- migrate:up\nSELECT ';'\n-- migrate:down\n-- batch: 100\n\n-- so\n${update};`), []);
  });

  it("is divided by its marks in small and in capital letters", () => {
    const text = "-- migrate:UP\nALTER TABLE orders ADD COLUMN note text;\n-- Migrate:Down\nDROP TABLE carts;\n";
    assert.ok(!rulesOf(text).some((rule) => ["misspelt-header", "ban-drop-table"].includes(rule)));
  });

  it("repeats only what can end", () => {
    const isEndless = (sql: string): boolean =>
      rulesOf(`-- phase: backfill\n-- batch: 500\n${sql};`).includes("endless-backfill");
    assert.ok(isEndless("INSERT INTO u SELECT id FROM t LIMIT 500"));
    assert.ok(isEndless("INSERT INTO u VALUES (1)"));
    assert.ok(isEndless("UPDATE t SET a = 1 WHERE true"));
    assert.ok(isEndless("WITH d AS (UPDATE t SET a = 1 WHERE a IS NULL RETURNING id) SELECT count(*) FROM d"));
    assert.ok(isEndless("DO $$ BEGIN NULL; END $$"));
    assert.ok(
      !isEndless("INSERT INTO u SELECT id FROM t WHERE NOT EXISTS (SELECT FROM u WHERE u.id = t.id) LIMIT 500"),
    );
    assert.ok(!isEndless("INSERT INTO u SELECT id FROM t EXCEPT SELECT id FROM u LIMIT 500"));
    assert.ok(
      !isEndless(
        "WITH some AS (SELECT id FROM t WHERE a IS NULL LIMIT 9) UPDATE t SET a = 1 FROM some WHERE t.id = some.id",
      ),
    );
  });

  it("takes away on its way back what it has brought", () => {
    const both =
      "-- migrate:up\nALTER TABLE orders ADD COLUMN note text;\n-- migrate:down\nALTER TABLE orders DROP COLUMN note;\n";
    assert.ok(!rulesOf(both).includes("ban-drop-column"));
    const blocking = "-- migrate:up\nSELECT 1;\n-- migrate:down\nCREATE INDEX o ON orders (id);\n";
    assert.ok(rulesOf(blocking).includes("require-concurrent-index-creation"));
  });

  it("runs in a transaction where its tool begins one", () => {
    const index = "CREATE INDEX CONCURRENTLY o ON orders (id);\n";
    const rule = "ban-concurrent-index-creation-in-transaction";
    for (const up of ["-- migrate:up\n", "-- +goose Up\n", "-- +migrate Up\n"])
      assert.ok(rulesOf(up + index).includes(rule), up);
    for (const up of [
      "-- migrate:up transaction:false\n",
      "-- +goose NO TRANSACTION\n-- +goose Up\n",
      "-- +migrate Up notransaction\n",
      "",
    ])
      assert.ok(!rulesOf(up + index).includes(rule), up);
  });

  it("may hold what PostgreSQL does in no transaction only where none is begun for it", () => {
    const rule = "outside-of-transaction";
    for (const sql of [
      "VACUUM orders",
      "CREATE DATABASE other",
      "REINDEX SCHEMA shop",
      "ALTER SYSTEM SET work_mem = 1",
    ]) {
      assert.ok(rulesOf(`-- migrate:up\nSELECT 1;\n${sql};`).includes(rule), sql);
      assert.ok(rulesOf(`-- migrate:up transaction:false\nBEGIN;\n${sql};\nCOMMIT;`).includes(rule), sql);
      assert.ok(!rulesOf(`-- migrate:up transaction:false\n${sql};`).includes(rule), sql);
      assert.ok(!rulesOf(`${sql};`).includes(rule), sql);
    }
    for (const sql of ["ANALYZE orders", "REINDEX INDEX o", "DISCARD PLANS", "ALTER DATABASE shop SET work_mem = 1"])
      assert.ok(!rulesOf(`-- migrate:up\n${sql};`).includes(rule), sql);
  });

  it("neither begins nor ends the transaction in which it is run", () => {
    const rule = "own-transaction";
    const errors = (text: string): readonly number[] =>
      linted([text]).flatMap(({ line, findings }) =>
        findings.some((each) => each.rule === rule && each.severity === "error") ? [line] : [],
      );
    assert.deepEqual(errors("-- migrate:up\nBEGIN;\nSELECT 1;\nCOMMIT;\nROLLBACK;"), [2, 4, 5]);
    assert.deepEqual(errors("-- migrate:up\nSELECT 1;\n-- migrate:down\nCOMMIT;"), [4]);
    assert.deepEqual(errors("-- migrate:up\nSAVEPOINT a;\nROLLBACK TO a;"), []);
    assert.deepEqual(errors("-- migrate:up transaction:false\nBEGIN;\nSELECT 1;\nCOMMIT;"), []);
    // The second would have the first forgotten.
    assert.deepEqual(errors("-- migrate:up transaction:false\nBEGIN;\nSELECT 1;\nBEGIN;\nCOMMIT;"), [4]);
    // Batches are run each in a transaction of its own.
    const batch = "-- batch: 10\nDELETE FROM a WHERE id IN (SELECT id FROM a LIMIT 10);";
    assert.deepEqual(errors(`-- migrate:up\nBEGIN;\nSELECT 1;\nCOMMIT;\n${batch}`), []);
  });

  it("is run in a transaction without any mark where `migrate up` runs it", () => {
    const found = (isOurs: boolean): readonly string[] =>
      lint([{ name: "1.sql", text: "VACUUM orders;", ...(isOurs ? { isOurs } : {}) }], {
        parse,
        isTransactionAssumed: false,
      }).flatMap(({ findings }) => findings.map(({ rule }) => rule));
    assert.deepEqual([found(true), found(false)], [["outside-of-transaction"], []]);
  });

  it("allows a rule with a reason, for one statement", () => {
    const allowed = findingsOf(
      `-- tidegate:allow ban-drop-column because release 12 no longer reads it\n${DROP}\n${DROP}`,
    ).filter(({ rule }) => rule === "ban-drop-column");
    assert.deepEqual(
      allowed.map((each) => each.allowed),
      ["release 12 no longer reads it", undefined],
    );
    const behind = findingsOf(`${DROP} -- tidegate:allow ban-drop-column because it was never filled\n${DROP}`);
    assert.deepEqual(
      behind.filter(({ rule }) => rule === "ban-drop-column").map((each) => each.allowed),
      ["it was never filled", undefined],
    );
  });

  it("allows nothing without a reason, nor a rule that there is not", () => {
    const silent = findingsOf(`-- tidegate:allow ban-drop-column\n${DROP}`);
    assert.deepEqual(
      silent.filter(({ severity, allowed }) => severity === "error" && allowed === undefined).map(({ rule }) => rule),
      ["ban-drop-column", "allow-without-reason"],
    );
    const [unknown] = findingsOf("-- tidegate:allow drop-it because I may\nSELECT 1;");
    assert.equal(unknown?.message, "There is no rule drop-it.");
  });

  it("allows nothing with a comment that is almost one that does, and says which word is meant", () => {
    const found = (dialect: "postgres" | "sqlite", text: string): readonly (readonly string[])[] =>
      lint([{ name: "1.sql", text }], { parse, isTransactionAssumed: true, dialect }).flatMap(({ findings }) =>
        findings.flatMap(({ rule, severity, message, allowed }) =>
          severity === "error" ? [[rule, message, ...(allowed === undefined ? [] : [allowed])]] : [],
        ),
      );
    for (const dialect of ["postgres", "sqlite"] as const)
      for (const comment of [
        "-- tidegate:alow ban-drop-column because x",
        "-- tidegate:allows ban-drop-colum because x",
        "-- tidegate: allow ban-drop-column because x",
        "-- tidegate allow ban-drop-column because x",
        "-- Tidegate:Allow ban-drop-column because x",
        "-- tidgate:allow ban-drop-column because x",
        "-- tidegate:ignore ban-drop-column",
        "-- tidegate:ban-drop-column because x",
        "-- # tidegate:allow ban-drop-column because x",
        "/* tidegate:allow ban-drop-column because x */",
        "-- tidegate:allow",
      ]) {
        const said = ["allow-without-reason", `\`${comment}\` allows nothing: \`tidegate:allow\` is meant.`];
        for (const text of [`${comment}\n${DROP}`, `${DROP} ${comment}`])
          assert.deepEqual(
            found(dialect, text).map(([rule, message]) => (rule === said[0] ? [rule, message] : [rule])),
            [["ban-drop-column"], said],
            text,
          );
      }
    for (const comment of [
      "-- tidegate: see docs/x",
      "-- tidegate allows this, because nobody reads it",
      "-- tidegate: allows us to drop, because nobody reads it",
      "-- tidegate refuses ban-drop-column here",
      "-- because of tidegate: all of it",
      "-- allow ban-drop-column because x",
    ])
      assert.deepEqual(
        found("postgres", `${comment}\n${DROP}`).map(([rule]) => rule),
        ["ban-drop-column"],
        comment,
      );
  });
});

describe("A DO block", () => {
  const places = (text: string): readonly (readonly [number, string, readonly string[]])[] =>
    linted([text]).map(({ line, sql, findings }) => [
      line,
      sql.split("\n")[0] ?? "",
      findings.filter(({ severity }) => severity !== "info").map(({ rule }) => rule),
    ]);

  it("has its statements looked at like any others, each at its own line, whatever letters stand before", () => {
    const block = [
      "-- größer 🙂",
      "SELECT 1; DO $$",
      "DECLARE r record;",
      "BEGIN",
      "  IF NOT EXISTS (SELECT 1 FROM pg_type WHERE typname = 'ö') THEN",
      "    ALTER TABLE orders DROP COLUMN note; -- tidegate:allow ban-drop-column because nobody reads it",
      "  END IF;",
      "  FOR r IN SELECT id FROM orders LOOP",
      "    UPDATE orders SET total = r.id;",
      "  END LOOP;",
      "  EXECUTE 'DROP TABLE carts';",
      "EXCEPTION WHEN duplicate_object THEN DROP TABLE carts;",
      "END $$;",
      "DROP TABLE carts;",
    ].join("\n");
    assert.deepEqual(places(block), [
      [2, "SELECT 1", []],
      [2, "DO $$", []],
      [6, "ALTER TABLE orders DROP COLUMN note", ["ban-drop-column"]],
      [8, "SELECT id FROM orders", ["working-behind-lock"]],
      [9, "UPDATE orders SET total = r.id", ["working-behind-lock", "writing-all-rows"]],
      [11, "DROP TABLE carts", ["ban-drop-table"]],
      [12, "DROP TABLE carts", ["ban-drop-table"]],
      [14, "DROP TABLE carts", ["ban-drop-table"]],
    ]);
    const allowed = linted([block]).flatMap(({ findings }) => findings.flatMap((each) => each.allowed ?? []));
    assert.deepEqual(allowed, ["nobody reads it"]);
  });

  it("is a transaction: what PostgreSQL does in none is refused there, and a COMMIT of its own where it is run in one", () => {
    const index = "DO $$ BEGIN CREATE INDEX CONCURRENTLY i ON orders (id); END $$;";
    assert.ok(rulesOf(index).includes("ban-concurrent-index-creation-in-transaction"));
    const commits = "DO $$ BEGIN UPDATE orders SET a = 1 WHERE id = 1; COMMIT; END $$;";
    assert.ok(!rulesOf(`-- migrate:up transaction:false\n${commits}`).includes("own-transaction"));
    assert.ok(rulesOf(`-- migrate:up\n${commits}`).includes("own-transaction"));
    // What is behind it is in no transaction any more.
    assert.ok(
      !rulesOf(`${commits}\nCREATE INDEX CONCURRENTLY i ON orders (id);`).some((rule) => rule.startsWith("ban-")),
    );
  });

  it("may allow of all that it does, and may change what it makes", () => {
    const all =
      "-- tidegate:allow ban-drop-table because they are empty\nDO $$ BEGIN DROP TABLE a; DROP TABLE b; END $$;";
    assert.deepEqual(
      findingsOf(all)
        .filter(({ rule }) => rule === "ban-drop-table")
        .map((each) => each.allowed),
      ["they are empty", "they are empty"],
    );
    const made =
      "DO $$ BEGIN CREATE TABLE public.a (id bigint); CREATE INDEX i ON a (id); END $$; DROP TABLE public.a;";
    assert.deepEqual(rulesOf(made), ["require-timeout-settings"]);
  });

  it("says of itself what nobody can look into before it runs", () => {
    const why = (text: string): readonly string[] =>
      findingsOf(text).flatMap(({ rule, severity, message }) =>
        rule === "unread-block" && severity === "info" ? [message.replace(/^.*?: /, "")] : [],
      );
    assert.deepEqual(why("DO $$ BEGIN EXECUTE format('DROP TABLE %I', 'a'); END $$"), [
      "it puts a text together and executes it.",
    ]);
    assert.deepEqual(why("DO $$ BEGIN EXECUTE 'DROP ' || 'TABLE a'; EXECUTE 'a' || 'b'; END $$").length, 1);
    assert.deepEqual(why("DO LANGUAGE plpython3u $$ x = 1 $$"), ["it is written in plpython3u."]);
    assert.deepEqual(why("DO $$ BEGIN IF; END $$"), [`it can't be read: missing "THEN" at end of SQL expression.`]);
    assert.deepEqual(why("DO $$ BEGIN CREATE TABEL a (id int); END $$"), [
      `it can't be read: syntax error at or near "TABEL".`,
    ]);
    assert.deepEqual(why("DO $$ BEGIN PERFORM f(1); END $$"), []);
    assert.deepEqual(
      why("DO $$ DECLARE r shop.orders%rowtype; BEGIN SELECT * INTO r FROM orders; r.total := 3; END $$"),
      [],
    );
  });
});

describe("a text", () => {
  it("that PostgreSQL can't read in one place is looked at in all others", () => {
    const statements = linted([`SELECT 'ß';\nALTER TABLE orders ADD COLUM note text;\n${DROP}\n`]);
    assert.deepEqual(
      statements.map(({ line, findings }) => [line, findings.map(({ rule }) => rule).includes("syntax")]),
      [
        [1, false],
        [2, true],
        [3, false],
      ],
    );
    assert.ok(statements[2]?.findings.some(({ rule }) => rule === "ban-drop-column"));
  });

  it("has its places told in lines, whatever letters stand before", () => {
    const text = `-- größer: 🙂🙂\n/* noch\n   eine */\nSELECT '🙂', $f$;\n--$f$;\n\n  ${DROP}`;
    assert.deepEqual(
      linted([text]).map(({ line, sql }) => [line, sql]),
      [
        [4, "SELECT '🙂', $f$;\n--$f$"],
        [7, DROP.slice(0, -1)],
      ],
    );
  });

  it("may hold what only psql understands, and rows of COPY", () => {
    const text = `\\connect shop\nCOPY orders (id) FROM stdin;\n1\n\\.\n${DROP}\n`;
    const statements = linted([text]);
    assert.deepEqual(
      statements.map(({ line }) => line),
      [1, 2, 5],
    );
    assert.equal(statements[0]?.findings[0]?.rule, "psql-command");
    assert.equal(statements[0]?.sql, "\\connect shop");
    assert.ok(!statements.some(({ findings }) => findings.some(({ rule }) => rule === "syntax")));
  });

  it("with nothing in it has nothing to find", () => {
    assert.deepEqual(linted(["", "  \n", "-- only a comment\n", ";;\n"]), []);
  });

  it("of a thousand statements is read to its end", () => {
    const text = Array.from({ length: 1_000 }, (_, index) => `CREATE INDEX i${index} ON orders (c${index});`).join(
      "\n",
    );
    const statements = linted([text]);
    assert.equal(statements.length, 1_000);
    assert.equal(statements.at(-1)?.line, 1_000);
  });
});
