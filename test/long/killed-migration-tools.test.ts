import { deepEqual, equal, ok } from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readdirSync, readFileSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { it } from "node:test";
import { ALEMBIC_APP, revision } from "../database/tools/alembic-app.ts";
import { withoutTool } from "../database/tools/needed-tool.ts";
import { type ToolUnderTest, toolUnderTest } from "../database/tools/tool-under-test.ts";
import { postgresServer } from "../support/postgres.ts";
import { until } from "../support/until.ts";

const MAIN = fileURLToPath(new URL("../../src/main.ts", import.meta.url));
const ALEMBIC = { kind: "alembic", folder: ".", phases: {} } as const;
const PLAN = `app: shop
services: { web: { run: "true", health: / } }
traffic: { embedded: 18080 }
database: { url: "\${DATABASE_URL}", alembic: . }
`;

const sql = (...statements: readonly string[]): string =>
  statements.map((each) => `op.execute(${JSON.stringify(each)})`).join("\n");

const FILES = {
  ...ALEMBIC_APP,
  "tidegate.yaml": PLAN,
  "versions/a1.py": revision("a1", null, sql("CREATE TABLE t (id bigint PRIMARY KEY, x bigint)")),
  "versions/a2.py": revision(
    "a2",
    "a1",
    sql("INSERT INTO t SELECT i FROM generate_series(1, 2000) i", "SELECT pg_sleep(1)"),
  ),
  "versions/a3.py": revision(
    "a3",
    "a2",
    sql("UPDATE t SET x = coalesce(x, 0) + id", "SELECT pg_sleep(1)", "ALTER TABLE t ADD y int"),
  ),
  "versions/a4.py": revision("a4", "a3", sql("UPDATE t SET y = 1 + coalesce(y, 0)")),
};

const SUMS = "SELECT count(*) || ' ' || sum(hashtextextended(t::text, 0)) FROM t";
const SESSIONS =
  "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND application_name LIKE 'tidegate%'";

function migrate(app: ToolUnderTest): { readonly child: ChildProcess; readonly said: () => string } {
  const child = spawn(process.execPath, [MAIN, "migrate", "up", "--yes", "--wait", "60s"], {
    cwd: app.directory,
    env: { ...process.env, DATABASE_URL: app.url },
    stdio: ["ignore", "ignore", "pipe"],
  });
  let said = "";
  child.stderr.on("data", (chunk: Buffer) => (said += chunk.toString()));
  return { child, said: () => said };
}

/** What alembic's processes were started with that know this app's database. */
function programsOf({ url }: ToolUnderTest): readonly string[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .flatMap((pid) => {
      try {
        const line = readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ");
        return line.includes("alembic") && readFileSync(`/proc/${pid}/environ`, "utf8").includes(new URL(url).pathname)
          ? [line]
          : [];
      } catch {
        return [];
      }
    });
}

it(
  "A run of alembic that is killed again and again, at any moment, ends as one that nobody killed, and leaves no tool behind",
  { skip: withoutTool("alembic", ["alembic", "--version"]), timeout: 280_000 },
  async () => {
    await using server = await postgresServer();
    await using whole = await toolUnderTest(server, ALEMBIC, FILES);
    await whole.up();
    await using app = await toolUnderTest(server, ALEMBIC, FILES);
    const killedAfter: number[] = [];
    for (;;) {
      const { child, said } = migrate(app);
      const ended = once(child, "exit") as Promise<[number | null]>;
      const afterMs = 1_500 + Math.random() * 3_000 + killedAfter.length * 4_000;
      const killing = delay(afterMs).then(() => child.kill("SIGKILL"));
      const [code] = await ended;
      await killing;
      if (code !== null) {
        equal(code, 0, `${said()} (killed after ${killedAfter.map(Math.round).join(", ")} ms)`);
        break;
      }
      killedAfter.push(afterMs);
      await until("nothing of it is left", async () => (await app.column(SESSIONS))[0] === "0", 20_000);
      await until("no tool is left", () => programsOf(app).length === 0, 20_000);
    }
    ok(killedAfter.length > 0, "it was killed at least once");
    deepEqual(await app.column(SUMS), await whole.column(SUMS));
    const versions = "SELECT version || ' ' || state FROM tidegate_migrations ORDER BY 1";
    deepEqual(await app.column(versions), await whole.column(versions));
    deepEqual(await app.column("SELECT version_num FROM alembic_version"), ["a4"]);
  },
);
