import { once } from "node:events";
import { startProgram } from "../measure/started-program.ts";
import type { LoadCounts } from "./load-program.ts";

const PROGRAM = new URL("./load-program.ts", import.meta.url).pathname;

/** A load in a process of its own, so that what is measured does not wait for what measures. */
export interface StartedLoad extends AsyncDisposable {
  counts(): Promise<LoadCounts>;
  /** Waits for the requests under way. */
  stop(): Promise<LoadCounts>;
}

/** `perSecond`: 0 for as many as are answered. `fresh`: so many of the connections are new for each request. */
export function startLoad(port: number, connections: number, perSecond = 0, fresh = 0): StartedLoad {
  const args = [PROGRAM, ...[port, connections, perSecond, fresh].map(String)];
  const started = startProgram(process.execPath, args, { stdio: ["ignore", "ignore", "inherit", "ipc"] });
  const ask = async (what: "counts" | "stop"): Promise<LoadCounts> => {
    started.child.send(what);
    const [counts] = (await once(started.child, "message")) as [LoadCounts];
    return counts;
  };
  return {
    counts: () => ask("counts"),
    stop: () => ask("stop"),
    [Symbol.asyncDispose]: () => started[Symbol.asyncDispose](),
  };
}
