import { getAsset, isSea } from "node:sea";
import { fileURLToPath } from "node:url";
import { Worker } from "node:worker_threads";

/** A program of Tidegate's own that it runs as a process beside itself. */
export type OwnProgram = "socket-relay" | "load";

/** Before the name of one of its own programs, where Tidegate is one executable file. */
export const OWN_PROGRAM = "--own-program";

/** How this very Tidegate is started again; its words follow. One executable file (scripts/single.ts) needs no Node. */
export function ownCommand(): readonly string[] {
  return isSea() ? [process.execPath] : [process.execPath, ...process.execArgv, process.argv[1] ?? ""];
}

/** How the program that lies beside `module` (an `import.meta.url`) is started; its words follow. */
export function ownProgram(name: OwnProgram, module: string): readonly string[] {
  if (isSea()) return [process.execPath, OWN_PROGRAM, name];
  return [process.execPath, ...process.execArgv, fileURLToPath(besideModule(name, module))];
}

/** A module that is run in a thread, beside the one that starts it. */
export type OwnThread = "forecast-worker" | "migrations-thread";

/** A thread that runs the module of that name, which lies beside `module` (an `import.meta.url`). */
export function ownThread(name: OwnThread, module: string): Worker {
  return isSea() ? new Worker(getAsset(name, "utf8"), { eval: true }) : new Worker(besideModule(name, module));
}

/** A module beside another one, as source or compiled. Not rewritten by the compiler, as an import would be. */
function besideModule(name: string, module: string): URL {
  return new URL(`./${name}.${module.endsWith(".ts") ? "ts" : "js"}`, module);
}
