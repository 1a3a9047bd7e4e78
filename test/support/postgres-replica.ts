import { equal } from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { chownSync } from "node:fs";
import { Client } from "pg";
import type { PostgresServer } from "./postgres.ts";
import { temporaryFolder } from "./temporary-folder.ts";
import { until } from "./until.ts";

/** A server that follows another one. */
export interface PostgresReplica extends AsyncDisposable {
  /** It goes on receiving, and applies nothing more. */
  pause(): Promise<void>;
  resume(): Promise<void>;
}

/** It copies the other one, and streams from it from then on. */
export async function postgresReplica({ bin, folder: socket, user }: PostgresServer): Promise<PostgresReplica> {
  const stack = new AsyncDisposableStack();
  try {
    const folder = stack.use(temporaryFolder());
    if (user !== undefined) chownSync(folder.path, user.uid, user.gid);
    const data = folder.file("data");
    const words = ["-h", socket, "-U", "gate", "-D", data, "-R", "-X", "stream", "-c", "fast", "--no-sync"];
    const copied = spawnSync(`${bin}pg_basebackup`, words, { cwd: folder.path, ...user });
    equal(copied.status, 0, String(copied.stderr));
    const settings = ["listen_addresses=", "fsync=off", "hot_standby=on", "wal_receiver_status_interval=1"];
    const server = spawn(
      `${bin}postgres`,
      ["-D", data, "-k", folder.path, ...settings.flatMap((each) => ["-c", each])],
      { cwd: folder.path, stdio: "ignore", ...user },
    );
    stack.defer(async () => {
      server.kill("SIGQUIT");
      await once(server, "exit");
    });
    await until("the replica answers", () => canBeAsked(folder.path), 20_000);
    const owned = stack.move();
    return {
      pause: () => ask(folder.path, "SELECT pg_wal_replay_pause()"),
      resume: () => ask(folder.path, "SELECT pg_wal_replay_resume()"),
      [Symbol.asyncDispose]: () => owned.disposeAsync(),
    };
  } catch (error) {
    await stack.disposeAsync();
    throw error;
  }
}

async function canBeAsked(socket: string): Promise<boolean> {
  return ask(socket, "SELECT 1").then(
    () => true,
    () => false,
  );
}

async function ask(socket: string, sql: string): Promise<void> {
  const client = new Client({
    connectionString: `postgres://gate@localhost/postgres?host=${encodeURIComponent(socket)}`,
  });
  client.on("error", () => undefined);
  try {
    await client.connect();
    await client.query(sql);
  } finally {
    await client.end().catch(() => undefined);
  }
}
