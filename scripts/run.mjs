// Runs a TypeScript program of this repository on the right Node, on any machine that has npm: installs the
// dependencies when they are missing (the right Node is one of them). Plain JavaScript, because older Nodes start it.
import { spawn, spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { constants } from "node:os";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

const root = resolve(dirname(fileURLToPath(import.meta.url)), "..");
const node = join(root, "node_modules", ".bin", "node");

if (!existsSync(node) || !existsSync(join(root, "node_modules", "zod"))) {
  process.stderr.write("Installing dependencies (once, about 20 s) …\n");
  const install = spawnSync("npm", ["ci", "--no-fund", "--no-audit", "--loglevel=error"], {
    cwd: root,
    stdio: ["ignore", 2, 2],
  });
  if (install.status !== 0) process.exit(install.status ?? 1);
}

const [program, ...args] = process.argv.slice(2);
// npm changes into the package's folder; the user meant the folder that they are in.
const fromCaller = process.env.TIDEGATE_RUN_IN === "caller" && process.env.INIT_CWD;
const child = spawn(node, [join(root, program), ...args], { cwd: fromCaller || root, stdio: "inherit" });
// A Ctrl-C reaches the child by itself; this process only waits for its end.
process.on("SIGINT", () => {});
process.on("SIGTERM", () => child.kill("SIGTERM"));
// npm hands a SIGTERM to the shell in between, which ends without handing it on.
const parent = process.ppid;
setInterval(() => process.ppid === parent || child.kill("SIGTERM"), 500).unref();
// What a shell says of one that was ended by a signal: 137 for SIGKILL.
child.on("exit", (code, signal) => process.exit(code ?? 128 + constants.signals[signal]));
