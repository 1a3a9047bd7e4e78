/**
 * How long readers wait for an ALTER TABLE that meets a transaction of 8 s, and what the ledger costs a migration: node bench/migrate.ts
 * [--json] [--quick]. Ours beside a plain ALTER (what dbmate and most tools run) and one with `lock_timeout` and retries alone; and beside dbmate
 * itself where there is one (`DBMATE`, or on the PATH: npm i --prefix DIR dbmate). Ends with 1 when it misses a goal.
 */
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, writeFileSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import { Client } from "pg";
import { createPostgresMigrations } from "../src/adapters/database/postgres/migrations.ts";
import { postgresServer } from "../test/support/postgres.ts";
import { temporaryFolder } from "../test/support/temporary-folder.ts";
import { benchOptions, machine, machineLine, progress, table } from "./measure/output.ts";
import { type Spread, spreadOf } from "./measure/statistics.ts";

const BLOCKED_GOAL_MS = 100;
const OVERHEAD_GOAL_MS = 20;

const { json, quick } = benchOptions();
const rounds = quick ? 1 : 3;
const readerMs = quick ? 3_000 : 8_000;
const many = quick ? 50 : 200;

await using stack = new AsyncDisposableStack();
const server = stack.use(await postgresServer());
const files = stack.use(temporaryFolder());
let databases = 0;

const ALTER = "ALTER TABLE orders ADD COLUMN note text";
const CONTESTANTS: Readonly<Record<string, (url: string) => Promise<void>>> = {
  "plain ALTER": (url) => withClient(url, async (client) => void (await client.query(ALTER))),
  "lock_timeout 2 s, tried again": (url) => withClient(url, (client) => triedAgain(client, 2_000)),
  "lock_timeout 300 ms, tried again": (url) => withClient(url, (client) => triedAgain(client, 300)),
  tidegate: (url) => ours(url, files.path, "one"),
};

const blocked = new Map<string, number[]>(Object.keys(CONTESTANTS).map((name) => [name, []]));
mkdirSync(files.file("one"));
writeFileSync(files.file("one", "1_note.sql"), `${ALTER};\n`);
for (let round = 1; round <= rounds; round += 1)
  for (const [name, run] of Object.entries(CONTESTANTS)) {
    progress(`round ${round} of ${rounds}: ${name}`);
    blocked.get(name)?.push(await longestRead(run));
  }

const dbmate = dbmateProgram();
mkdirSync(files.file("many"));
for (let index = 1; index <= many; index += 1)
  writeFileSync(
    files.file("many", `${1000 + index}_t.sql`),
    `-- migrate:up\nCREATE TABLE t${index} (id int);\n-- migrate:down\nDROP TABLE t${index};\n`,
  );
const each: { readonly ours: number[]; readonly dbmate: number[] } = { ours: [], dbmate: [] };
for (let round = 1; round <= rounds + 2; round += 1) {
  progress(`ledger, round ${round} of ${rounds + 2}`);
  each.ours.push(await timed(async () => ours(await fresh(), files.path, "many")));
  if (dbmate !== null) each.dbmate.push(await timed(async () => runDbmate(dbmate, await fresh())));
}

const spreads = new Map([...blocked].map(([name, values]) => [name, spreadOf(values)]));
const ledger = { ours: spreadOf(each.ours), dbmate: dbmate === null ? null : spreadOf(each.dbmate) };
const longest = spreads.get("tidegate")?.median ?? Number.NaN;
const overhead = ledger.ours.median - (ledger.dbmate?.median ?? 0);
const isGood = longest < BLOCKED_GOAL_MS && overhead < OVERHEAD_GOAL_MS;
if (json)
  process.stdout.write(
    `${JSON.stringify({ type: "bench-migrate", machine: machine(), isGood, blockedMs: Object.fromEntries(spreads), ledgerMs: ledger })}\n`,
  );
else process.stdout.write(`${shown().join("\n")}\n`);
process.exitCode = isGood ? 0 : 1;

function shown(): readonly string[] {
  const row = (name: string, { median, least, most }: Spread, digits: number): readonly string[] => [
    name,
    median.toFixed(digits),
    `${least.toFixed(digits)} – ${most.toFixed(digits)}`,
  ];
  return [
    `Longest read in ms while an ALTER TABLE meets a transaction that has been reading for ${readerMs / 1000} s; median of ${rounds}`,
    machineLine(machine()),
    "",
    table(
      ["", "longest read", "spread"],
      [...spreads].map(([name, spread]) => row(name, spread, 0)),
    ),
    "",
    `Milliseconds a migration, of ${many} that make a table each`,
    "",
    table(
      ["", "each", "spread"],
      [row("tidegate", ledger.ours, 1), ...(ledger.dbmate === null ? [] : [row("dbmate", ledger.dbmate, 1)])],
    ),
    ...(ledger.dbmate === null ? ["dbmate is not here: DBMATE=path, or npm i --prefix DIR dbmate"] : []),
    "",
    `${longest < BLOCKED_GOAL_MS ? "✔" : "✖"} goal: nobody waits for ${BLOCKED_GOAL_MS} ms`,
    `${overhead < OVERHEAD_GOAL_MS ? "✔" : "✖"} goal: less than ${OVERHEAD_GOAL_MS} ms a migration more than dbmate (${overhead.toFixed(1)} ms)`,
  ];
}

/** Somebody reads all the time, beside a report that began a second before. */
async function longestRead(run: (url: string) => Promise<void>): Promise<number> {
  const url = await fresh();
  return await withClient(url, async (report) => {
    await report.query("CREATE TABLE orders (id int); INSERT INTO orders SELECT generate_series(1, 1000)");
    await report.query("BEGIN; SELECT count(*) FROM orders");
    const began = performance.now();
    await delay(1_000);
    return await withClient(url, async (reader) => {
      let longestMs = 0;
      const over = new AbortController();
      const reading = (async () => {
        while (!over.signal.aborted) {
          const asked = performance.now();
          await reader.query("SELECT count(*) FROM orders");
          longestMs = Math.max(longestMs, performance.now() - asked);
          await delay(2);
        }
      })();
      const altering = run(url);
      await delay(Math.max(0, readerMs - (performance.now() - began)));
      await report.query("COMMIT");
      await altering;
      over.abort();
      await reading;
      return longestMs;
    });
  });
}

async function triedAgain(client: Client, timeoutMs: number): Promise<void> {
  await client.query(`SET lock_timeout = ${timeoutMs}`);
  for (;;) {
    try {
      await client.query(ALTER);
      return;
    } catch {
      await delay(500 + Math.random() * 500);
    }
  }
}

async function ours(url: string, directory: string, folder: string): Promise<void> {
  const migrations = createPostgresMigrations({
    url,
    folder,
    assertions: [],
    values: () => ({}),
    redact: (text) => text,
  });
  await migrations.up({
    directory,
    phases: ["expand"],
    release: null,
    by: "bench",
    dryRun: false,
    signal: new AbortController().signal,
    tell: () => undefined,
  });
}

function dbmateProgram(): string | null {
  const program = process.env["DBMATE"] ?? "dbmate";
  return spawnSync(program, ["--version"]).status === 0 ? program : null;
}

async function runDbmate(program: string, url: string): Promise<void> {
  const { pathname } = new URL(url);
  const address = `postgres://gate@${pathname}?socket=${encodeURIComponent(server.folder)}&sslmode=disable`;
  const child = spawn(
    program,
    ["--url", address, "--migrations-dir", files.file("many"), "--no-dump-schema", "migrate"],
    {
      stdio: ["ignore", "ignore", "inherit"],
    },
  );
  const [code] = (await once(child, "exit")) as [number | null];
  if (code !== 0) throw new Error(`dbmate ended with ${code}`);
}

async function timed(work: () => Promise<void>): Promise<number> {
  const began = performance.now();
  await work();
  return (performance.now() - began) / many;
}

async function fresh(): Promise<string> {
  databases += 1;
  return await server.database(`bench_${databases}`);
}

async function withClient<T>(url: string, work: (client: Client) => Promise<T>): Promise<T> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}
