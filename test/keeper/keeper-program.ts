// A keeper in a process of its own, impatient, with a stand-in for the proxy: what the tests start and kill.
import { fileURLToPath } from "node:url";
import { FaultError } from "../../src/core/fault.ts";
import { runKeeper } from "../../src/keeper/main.ts";

const [stateDir = ""] = process.argv.slice(2);
const proxy = fileURLToPath(new URL("stand-in-proxy.ts", import.meta.url));

try {
  await runKeeper({
    stateDir,
    version: "test",
    proxyCommand: [process.execPath, proxy, "--state", stateDir],
    backoff: { firstMs: 40, longestMs: 400, stableMs: 60_000 },
    logs: { limitBytes: 20_000, keep: 2 },
  });
} catch (error) {
  if (!(error instanceof FaultError)) throw error;
  process.stdout.write(`${JSON.stringify(error.fault)}\n`);
  process.exitCode = 3;
}
