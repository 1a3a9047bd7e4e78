import { equal } from "node:assert/strict";
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { chmodSync, chownSync, writeFileSync } from "node:fs";
import { Client } from "pg";
import { temporaryFolder } from "./temporary-folder.ts";
import { until } from "./until.ts";

/** A PostgreSQL of its own, on a unix socket (or a port of this machine), in which everybody is let in but `secret`, whose password is `pass-word`. */
export interface PostgresServer extends AsyncDisposable {
  /** Where its socket is. */
  readonly folder: string;
  readonly bin: string;
  readonly user: User | undefined;
  url(database?: string, user?: string): string;
  /** Makes an empty database and answers its address. */
  database(name: string): Promise<string>;
  /** A session that ends with the server. */
  session(url: string, application?: string): Promise<Client>;
  /** Ends it at once, and starts it again. */
  restart(): Promise<void>;
}

export interface User {
  readonly uid: number;
  readonly gid: number;
}

/** `port`: for programs that know no unix sockets. */
export async function postgresServer(
  settings: readonly string[] = ["fsync=off"],
  { port }: { readonly port?: number } = {},
): Promise<PostgresServer> {
  const stack = new AsyncDisposableStack();
  try {
    const folder = stack.use(temporaryFolder());
    const user = ordinaryUser();
    if (user !== undefined) chownSync(folder.path, user.uid, user.gid);
    chmodSync(folder.path, 0o755);
    const bin = programsOf();
    const data = folder.file("data");
    const made = spawnSync(`${bin}initdb`, ["-D", data, "-U", "gate", "--auth=trust", "--no-sync", "-E", "UTF8"], {
      cwd: folder.path,
      ...user,
    });
    equal(made.status, 0, String(made.stderr));
    writeFileSync(
      folder.file("data", "pg_hba.conf"),
      "local all secret scram-sha-256\nlocal all all trust\nlocal replication all trust\nhost all all 127.0.0.1/32 trust\n",
    );
    const url = (database = "postgres", name = "gate"): string =>
      port === undefined
        ? `postgres://${name}@localhost/${database}?host=${encodeURIComponent(folder.path)}`
        : `postgres://${name}@127.0.0.1:${port}/${database}`;
    const words = [
      "-D",
      data,
      "-k",
      folder.path,
      ...(port === undefined
        ? ["-c", "listen_addresses="]
        : ["-c", "listen_addresses=127.0.0.1", "-c", `port=${port}`]),
      ...settings.flatMap((each) => ["-c", each]),
    ];
    let server: ChildProcess | null = null;
    const start = async (): Promise<void> => {
      server = spawn(`${bin}postgres`, words, { cwd: folder.path, stdio: "ignore", ...user });
      await until("PostgreSQL answers", () => canConnect(url()), 20_000);
    };
    const stop = async (): Promise<void> => {
      if (server === null || server.exitCode !== null || server.signalCode !== null) return;
      // The immediate way: no session may keep it.
      server.kill("SIGQUIT");
      await once(server, "exit");
    };
    stack.defer(stop);
    const sessions: Client[] = [];
    stack.defer(async () => void (await Promise.allSettled(sessions.map((each) => each.end()))));
    await start();
    const session = async (at: string, application = "test"): Promise<Client> => {
      const client = new Client({ connectionString: at, application_name: application });
      client.on("error", () => undefined);
      await client.connect();
      sessions.push(client);
      return client;
    };
    const first = await session(url());
    await first.query("CREATE ROLE secret LOGIN PASSWORD 'pass-word'");
    await first.end();
    const owned = stack.move();
    return {
      folder: folder.path,
      bin,
      user,
      url,
      session,
      database: async (name) => {
        const client = new Client({ connectionString: url() });
        await client.connect();
        await client.query(`CREATE DATABASE ${name}`);
        await client.end();
        return url(name);
      },
      restart: async () => {
        await stop();
        await start();
      },
      [Symbol.asyncDispose]: () => owned.disposeAsync(),
    };
  } catch (error) {
    await stack.disposeAsync();
    throw error;
  }
}

async function canConnect(url: string): Promise<boolean> {
  const client = new Client({ connectionString: url });
  client.on("error", () => undefined);
  try {
    await client.connect();
    return true;
  } catch {
    return false;
  } finally {
    await client.end().catch(() => undefined);
  }
}

/** PostgreSQL does not run as root. */
function ordinaryUser(): User | undefined {
  if (process.getuid?.() !== 0) return undefined;
  const [uid, gid] = ["-u", "-g"].map((flag) => Number(spawnSync("id", [flag, "nobody"], { encoding: "utf8" }).stdout));
  return { uid: uid ?? 65_534, gid: gid ?? 65_534 };
}

/** Debian keeps them out of the way; empty: they are on the PATH. */
function programsOf(): string {
  const found = spawnSync("sh", ["-c", "ls -d /usr/lib/postgresql/*/bin 2>/dev/null | tail -1"], {
    encoding: "utf8",
  }).stdout.trim();
  return found === "" ? "" : `${found}/`;
}
