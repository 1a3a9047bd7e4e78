import { deepEqual, equal, ok } from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { it } from "node:test";
import { databaseUnderTest } from "../database/stand.ts";
import { postgresServer } from "../support/postgres.ts";

const MAIN = fileURLToPath(new URL("../../src/main.ts", import.meta.url));

const FILES = {
  "1_init.sql": `CREATE TABLE t (id bigint PRIMARY KEY, x bigint, y text);
    INSERT INTO t SELECT i, NULL, md5(i::text) FROM generate_series(1, 60000) i;`,
  "2_index.sql": `-- migrate:up transaction:false
    INSERT INTO t VALUES (0, NULL, 'one');
    CREATE INDEX CONCURRENTLY t_y ON t (y);
    INSERT INTO t VALUES (-1, NULL, 'two');
    CREATE UNIQUE INDEX CONCURRENTLY t_yx ON t (y, id);
    DROP INDEX CONCURRENTLY t_y;
    BEGIN;
    UPDATE t SET y = y || '!' WHERE id < 100;
    INSERT INTO t VALUES (-2, NULL, 'three');
    COMMIT;
    VACUUM t;
    REINDEX INDEX CONCURRENTLY t_yx;
    INSERT INTO t VALUES (-3, NULL, 'four');`,
  "3_fill.sql": `-- phase: backfill
    -- batch: 2000
    UPDATE t SET x = id * 2 WHERE id IN (SELECT id FROM t WHERE x IS NULL LIMIT 2000);`,
  // In a table with rows the linter would refuse it, but for a run that began with an empty database.
  "4_more.sql": "ALTER TABLE t ADD COLUMN z int DEFAULT 7; UPDATE t SET z = 8 WHERE id % 2 = 0;",
};

const SUMS = "SELECT sum(hashtextextended(t::text, 0)) FROM t";

it(
  "Migrations that are killed again and again, at any moment, end as those that nobody killed",
  { timeout: 300_000 },
  async () => {
    await using server = await postgresServer();
    await using whole = await databaseUnderTest(server, FILES);
    await whole.up();
    for (let round = 1; round <= 2; round += 1) {
      await using app = await databaseUnderTest(server, FILES);
      const delays: number[] = [];
      for (;;) {
        const child = spawn(process.execPath, [MAIN, "migrate", "up", "--folder", "db", "--wait", "30s"], {
          cwd: app.directory,
          env: { ...process.env, DATABASE_URL: app.url },
          stdio: ["ignore", "ignore", "pipe"],
        });
        let said = "";
        child.stderr.on("data", (chunk: Buffer) => (said += chunk.toString()));
        const ended = once(child, "exit") as Promise<[number | null]>;
        // From the start of the program to beyond its end.
        const afterMs = 300 + Math.random() * 1_500 + delays.length * 50;
        delays.push(Math.round(afterMs));
        const killing = delay(afterMs).then(() => child.kill("SIGKILL"));
        const [code] = await ended;
        await killing;
        if (code === null) continue;
        equal(code, 0, `${said} (killed after ${delays.join(", ")} ms)`);
        break;
      }
      ok(delays.length > 1, "it was killed at least once");
      deepEqual(await app.column(SUMS), await whole.column(SUMS), `killed after ${delays.join(", ")} ms`);
      const indexes =
        "SELECT indexrelid::regclass || ' ' || indisvalid FROM pg_index WHERE indrelid = 't'::regclass ORDER BY 1";
      deepEqual(await app.column(indexes), await whole.column(indexes), `killed after ${delays.join(", ")} ms`);
    }
  },
);
