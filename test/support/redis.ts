import { spawn } from "node:child_process";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import type { TemporaryFolder } from "./temporary-folder.ts";

const PROGRAM = "redis-server";

/** A real Redis with this configuration, in this folder; it is gone when it is disposed of. Whoever uses it waits until it listens. */
export function redisServer(folder: TemporaryFolder, lines: readonly string[]): AsyncDisposable {
  writeFileSync(folder.file("redis.conf"), ['save ""', ...lines].join("\n"));
  const child = spawn(PROGRAM, [folder.file("redis.conf")], { stdio: "ignore", cwd: folder.path });
  return {
    async [Symbol.asyncDispose]() {
      if (child.exitCode !== null || child.signalCode !== null) return;
      child.kill("SIGKILL");
      await once(child, "exit");
    },
  };
}
