import { after, before, beforeEach } from "node:test";
import type { Client } from "pg";
import { type PostgresServer, postgresServer } from "../support/postgres.ts";
import { type TemporaryFolder, temporaryFolder } from "../support/temporary-folder.ts";
import type { BackupStand } from "./stand.ts";

/** A database of a test's own, with 500 orders in it. */
export interface Orders {
  readonly server: PostgresServer;
  /** In no database that is replaced. */
  readonly admin: Client;
  readonly files: TemporaryFolder;
  /** The database's. */
  readonly name: string;
  readonly at: BackupStand;
  readonly sql: <Row extends object>(text: string, database?: string) => Promise<readonly Row[]>;
  readonly rowsIn: (database?: string) => Promise<number>;
  /** Names of databases `LIKE` this. */
  readonly databases: (like: string) => Promise<readonly string[]>;
}

/** A server for the tests of this file; each of them finds a database and a folder of its own. */
export function ordersBeforeEach(): Orders {
  const stack = new AsyncDisposableStack();
  after(() => stack.disposeAsync());
  const files = stack.use(temporaryFolder());
  let server: PostgresServer;
  let admin: Client;
  let count = 0;
  let name = "";
  let at: BackupStand;

  before(async () => {
    server = stack.use(await postgresServer());
    admin = await server.session(server.url());
  });

  beforeEach(async () => {
    name = `shop_${(count += 1)}`;
    at = { url: await server.database(name), folder: files.file(name) };
    await sql(
      "CREATE TABLE orders (id serial PRIMARY KEY, note text); INSERT INTO orders (note) SELECT md5(i::text) FROM generate_series(1, 500) i",
    );
  });

  async function sql<Row extends object>(text: string, database = name): Promise<readonly Row[]> {
    const client = await server.session(server.url(database));
    try {
      const { rows } = await client.query<Row>(text);
      return rows;
    } finally {
      await client.end();
    }
  }

  return {
    files,
    get server() {
      return server;
    },
    get admin() {
      return admin;
    },
    get name() {
      return name;
    },
    get at() {
      return at;
    },
    sql,
    rowsIn: async (database = name) =>
      (await sql<{ n: number }>("SELECT count(*)::int AS n FROM orders", database))[0]?.n ?? -1,
    databases: async (like) => {
      const named = "SELECT datname FROM pg_database WHERE datname LIKE $1 ORDER BY 1";
      const { rows } = await admin.query<{ datname: string }>(named, [like]);
      return rows.map(({ datname }) => datname);
    },
  };
}
