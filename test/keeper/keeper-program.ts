// A keeper in a process of its own, impatient, with a stand-in for the proxy (or the real one): what the tests start and
// kill.
import { fileURLToPath } from "node:url";
import { FaultError } from "../../src/core/fault.ts";
import { runKeeper } from "../../src/keeper/main.ts";

const [stateDir = "", version = "test", takeOver = "older", proxyKind = "stand-in"] = process.argv.slice(2);
const standIn = new URL("stand-in-proxy.ts", import.meta.url);
const real = new URL("../../src/proxy/main.ts", import.meta.url);
const proxy = fileURLToPath(proxyKind === "real" ? real : standIn);

try {
  await runKeeper({
    stateDir,
    version,
    takeOver: takeOver === "any" ? "any" : "older",
    proxyCommand: [process.execPath, proxy, "--state", stateDir],
    backoff: { firstMs: 40, longestMs: 400, stableMs: 60_000 },
    logs: { limitBytes: 20_000, keep: 2 },
  });
} catch (error) {
  if (!(error instanceof FaultError)) throw error;
  process.stdout.write(`${JSON.stringify(error.fault)}\n`);
  process.exitCode = 3;
}
