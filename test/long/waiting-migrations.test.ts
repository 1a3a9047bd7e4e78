import { deepEqual, equal } from "node:assert/strict";
import { describe, it } from "node:test";
import { databaseUnderTest } from "../database/stand.ts";
import { postgresReplica } from "../support/postgres-replica.ts";
import { postgresServer } from "../support/postgres.ts";
import { until } from "../support/until.ts";

const TABLE = "CREATE TABLE t (id int PRIMARY KEY, x int); INSERT INTO t SELECT i FROM generate_series(1, 3000) i;";
const FILL = `-- phase: backfill
-- migrate:up
-- batch: 100
UPDATE t SET x = id WHERE id IN (SELECT id FROM t WHERE x IS NULL LIMIT 100);`;
const PATIENCE = { boundMs: 60_000, otherRunMs: 0, lagMs: 200, lockTimeoutMs: 300 };

describe("A migration that has to wait", () => {
  it(
    "for a replica: a backfill pauses while it is behind, and goes on when it follows",
    { timeout: 120_000 },
    async () => {
      await using server = await postgresServer();
      await using replica = await postgresReplica(server);
      await using app = await databaseUnderTest(server, { "1_init.sql": TABLE }, { patience: PATIENCE });
      await app.up();
      await replica.pause();
      // How far a replica is behind is known only of what it is sent meanwhile.
      const writer = await server.session(app.url, "writer");
      await writer.query("CREATE TABLE written (id int)");
      const lagging = async (): Promise<boolean> => {
        await writer.query("INSERT INTO written VALUES (1)");
        const { rows } = await writer.query<{ lag: string | null }>(
          "SELECT max(extract(epoch FROM replay_lag)) AS lag FROM pg_stat_replication",
        );
        return Number(rows[0]?.lag ?? 0) > 0.5;
      };
      await until("the replica is behind", lagging);
      app.write("2_fill.sql", FILL);
      const going = app.up();
      await until("the backfill pauses", () => app.told.some(({ kind }) => kind === "lagging"));
      equal(app.told.filter(({ kind }) => kind === "batch").length < 30, true, "there is something left to fill");
      await replica.resume();
      equal((await going).applied[0]?.file, "db/2_fill.sql");
      deepEqual(await app.column("SELECT count(*) FROM t WHERE x IS NULL"), ["0"]);
    },
  );

  it(
    "for a reader of a partition that is detached: cut off in the middle, the next run finishes it",
    { timeout: 120_000 },
    async () => {
      await using server = await postgresServer();
      await using app = await databaseUnderTest(server, {
        "1_init.sql": `CREATE TABLE days (day date) PARTITION BY RANGE (day);
        CREATE TABLE days_1 PARTITION OF days FOR VALUES FROM ('2026-01-01') TO ('2026-02-01');
        CREATE TABLE days_2 PARTITION OF days FOR VALUES FROM ('2026-02-01') TO ('2026-03-01');`,
      });
      await app.up();
      app.write(
        "2_detach.sql",
        "-- migrate:up transaction:false\nALTER TABLE days DETACH PARTITION days_1 CONCURRENTLY;",
      );
      const reader = await server.session(app.url, "reports");
      await reader.query("BEGIN; SELECT count(*) FROM days");
      const stopping = new AbortController();
      const going = app.up({ signal: stopping.signal }).then(
        () => "done",
        () => "stopped",
      );
      const pending = "SELECT count(*) FROM pg_inherits WHERE inhdetachpending";
      await until("it is half detached", async () => (await app.column(pending))[0] === "1");
      stopping.abort(new Error("enough"));
      equal(await going, "stopped");
      deepEqual(await app.column(pending), ["1"], "half of it stays");
      await reader.query("COMMIT");
      equal((await app.up()).applied[0]?.file, "db/2_detach.sql");
      deepEqual(await app.column("SELECT inhrelid::regclass FROM pg_inherits WHERE inhparent = 'days'::regclass"), [
        "days_2",
      ]);
    },
  );
});
