/**
 * How long a backup takes that is proven by restoring it, beside PostgreSQL's own programs that prove nothing: node bench/backup.ts
 * [--json] [--quick]. A database of 200 MB; ours and theirs in turn, so that what else the machine does falls on both. Ends with 1 when it
 * misses the goal.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, writeFileSync } from "node:fs";
import { rm } from "node:fs/promises";
import { Client } from "pg";
import { createBackups } from "../src/adapters/backup/backups.ts";
import { postgresBackups } from "../src/adapters/backup/postgres/kind.ts";
import { postgresPrograms, USUAL_FOLDERS } from "../src/adapters/backup/postgres/programs.ts";
import { createPostgresMigrations } from "../src/adapters/database/postgres/migrations.ts";
import { systemClock } from "../src/adapters/clock/system.ts";
import type { BackupRecord } from "../src/core/backup/record.ts";
import { postgresServer } from "../test/support/postgres.ts";
import { temporaryFolder } from "../test/support/temporary-folder.ts";
import { benchOptions, machine, machineLine, progress, table } from "./measure/output.ts";
import { spreadOf } from "./measure/statistics.ts";

const GOAL_MS = 60_000;
const MEGABYTES = 200;
/** Of `orders` below, with its indexes. */
const ROWS_A_MEGABYTE = 5_000;

const { json, quick } = benchOptions();
const rounds = quick ? 1 : 3;
const redact = (text: string): string => text;

await using stack = new AsyncDisposableStack();
const server = stack.use(await postgresServer());
const files = stack.use(temporaryFolder());
const url = await server.database("shop");
const client = new Client({ connectionString: url });
await client.connect();
stack.defer(() => client.end());
progress("fills the database");
await client.query(`CREATE TABLE customers (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name text NOT NULL, email text UNIQUE);
  CREATE TABLE orders (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, customer bigint REFERENCES customers, total numeric(10, 2), note text, at timestamptz);
  INSERT INTO customers (name, email) SELECT 'customer ' || i, i || '@example.com' FROM generate_series(1, 50000) i;
  INSERT INTO orders (customer, total, note, at) SELECT 1 + i % 50000, i % 1000 / 7.0, md5(i::text) || md5((-i)::text), now() - i * interval '1 second'
    FROM generate_series(1, ${MEGABYTES * ROWS_A_MEGABYTE}) i;
  CREATE INDEX ON orders (customer); CREATE INDEX ON orders (at)`);
const { rows } = await client.query<{ bytes: string }>("SELECT pg_database_size(current_database()) AS bytes");
const bytes = Number(rows[0]?.bytes);

const env = { ...process.env, PGHOST: server.folder, PGUSER: "gate", PGDATABASE: "shop" };
const signal = new AbortController().signal;
const version = (await client.query<{ server_version: string }>("SHOW server_version")).rows[0]?.server_version ?? "";
const programs = await postgresPrograms(version, { env, folders: USUAL_FOLDERS, signal });
const backups = createBackups({
  plan: { folder: files.file("backups"), keep: { newest: 1 }, encryptTo: [] },
  kind: postgresBackups({
    database: { url, values: () => ({}), redact },
    env: process.env,
    folders: USUAL_FOLDERS,
    scratch: null,
  }),
  clock: systemClock,
  migrating: (copy) => createPostgresMigrations({ ...copy, folder: "db", assertions: [] }),
  directory: files.path,
  env: process.env,
  redact,
});

mkdirSync(files.file("db"));
writeFileSync(
  files.file("db", "20261122060000_state.sql"),
  `-- migrate:up
ALTER TABLE orders ADD COLUMN state text;
CREATE TABLE states (id int PRIMARY KEY, name text);
-- migrate:down
DROP TABLE states;
ALTER TABLE orders DROP COLUMN state;
`,
);

const ours: { readonly wholeMs: number; readonly record: BackupRecord }[] = [];
const theirs: { readonly dumpMs: number; readonly restoreMs: number }[] = [];
for (let round = 1; round <= rounds; round += 1) {
  progress(`round ${round} of ${rounds}: Tidegate`);
  const startedAt = performance.now();
  const { record } = await backups.make({
    proof: "drill",
    release: null,
    by: "bench",
    directory: files.path,
    signal,
    tell: () => undefined,
  });
  ours.push({ wholeMs: performance.now() - startedAt, record });
  progress(`round ${round} of ${rounds}: pg_dump and pg_restore`);
  theirs.push(await plain());
}
progress("");

const middle = (values: readonly number[]): number => spreadOf(values).median;
const whole = spreadOf(ours.map(({ wholeMs }) => wholeMs));
const plainMs = middle(theirs.map(({ dumpMs, restoreMs }) => dumpMs + restoreMs));
const of = (part: (record: BackupRecord) => number): number => middle(ours.map(({ record }) => part(record)));
const parts = {
  dumpMs: of(({ dumpMs }) => dumpMs),
  decodeMs: of(({ proof }) => proof?.decodeMs ?? Number.NaN),
  restoreMs: of(({ proof }) => proof?.restoreMs ?? Number.NaN),
  checksMs: of(({ proof }) => proof?.checksMs ?? Number.NaN),
  drillMs: of(({ proof }) =>
    proof?.drill == null ? Number.NaN : proof.drill.upMs + proof.drill.downMs + proof.drill.againMs,
  ),
};
const isGood = whole.most <= GOAL_MS;
const seconds = (ms: number): string => `${(ms / 1_000).toFixed(1)} s`;

if (json)
  process.stdout.write(
    `${JSON.stringify({ type: "bench-backup", machine: machine(), isGood, bytes, goalMs: GOAL_MS, wholeMs: whole, plainMs, ratio: whole.median / plainMs, ...parts })}\n`,
  );
else
  process.stdout.write(
    `${[
      `A database of ${Math.round(bytes / 1_000_000)} MB: backed up, restored beside, compared, and migrations tried there; median of ${rounds} ${rounds === 1 ? "round" : "rounds"}`,
      machineLine(machine()),
      "",
      table(
        ["", "all", "dump", "decode", "restore", "compare", "up, down, up"],
        [
          [
            "Tidegate",
            seconds(whole.median),
            ...[parts.dumpMs, parts.decodeMs, parts.restoreMs, parts.checksMs, parts.drillMs].map(seconds),
          ],
          [
            "pg_dump, pg_restore -j2",
            seconds(plainMs),
            seconds(middle(theirs.map(({ dumpMs }) => dumpMs))),
            "",
            seconds(middle(theirs.map(({ restoreMs }) => restoreMs))),
            "",
          ],
        ],
      ),
      "",
      `${(whole.median / plainMs).toFixed(2)} times as long as without any proof. ${isGood ? "✔" : "✖"} goal: ${seconds(GOAL_MS)}`,
    ].join("\n")}\n`,
  );
process.exitCode = isGood ? 0 : 1;

/** What a careful person would do by hand. */
async function plain(): Promise<(typeof theirs)[number]> {
  const file = files.file("plain.dump");
  const dumpMs = await timed(programs.dump, ["-Fc", "-f", file]);
  await client.query("CREATE DATABASE plain_copy");
  const restoreMs = await timed(programs.restore, ["-j2", "-d", "plain_copy", file]);
  await client.query("DROP DATABASE plain_copy");
  await rm(file);
  return { dumpMs, restoreMs };
}

async function timed(program: string, words: readonly string[]): Promise<number> {
  const startedAt = performance.now();
  const child = spawn(program, words, { env, stdio: "ignore" });
  await once(child, "exit");
  if (child.exitCode !== 0) throw new Error(`${program} ended with ${child.exitCode}`);
  return performance.now() - startedAt;
}
