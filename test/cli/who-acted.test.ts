import { deepEqual, equal } from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { it } from "node:test";
import { whoActed } from "../../src/cli/rollback-now.ts";
import type { LockHolder } from "../../src/local/lock-holder.ts";

const holder = (pid: number): LockHolder => ({ pid, command: "tidegate attach", isStopped: false });

it("rollback --now knows who acts although that one lets go of the lock for the moment in which it begins anew", async () => {
  const here = holder(process.pid);
  deepEqual(whoActed(here, null), here);
  deepEqual(whoActed(null, here), here, "begun meanwhile");
  deepEqual(whoActed(holder(1), here), here, "the one who has it now goes on");
  equal(whoActed(null, null), null);
  const ended = spawn(process.execPath, ["--version"], { stdio: "ignore" });
  await once(ended, "exit");
  equal(whoActed(holder(ended.pid ?? -1), null), null, "one that has ended acts no more");
});
