import { spawn } from "node:child_process";
import { once } from "node:events";
import { setTimeout as delay } from "node:timers/promises";
import type { Workload } from "./workload.ts";

/** What came of a load. */
export interface LoadResult {
  readonly requests: number;
  readonly seconds: number;
  /** Connections refused or reset, answers that were no 2xx or 3xx, time-outs. */
  readonly failed: number;
}

const CONNECTIONS = 32;
/** wrk is told to stop before this; it is here for the case that nobody does. */
const AT_MOST = "60s";

/** Loads `url` from wrk, as fast as it answers on 32 kept connections, for a time that may be less than a second. */
export async function load(port: number, { path, script }: Workload, forMs: number): Promise<LoadResult> {
  const args = [
    "-t1",
    `-c${CONNECTIONS}`,
    "-d",
    AT_MOST,
    "--timeout",
    "5s",
    ...(script === null ? [] : ["-s", script]),
  ];
  const wrk = spawn("wrk", [...args, `http://127.0.0.1:${port}${path}`], { stdio: ["ignore", "pipe", "inherit"] });
  let output = "";
  wrk.stdout.setEncoding("utf8").on("data", (text: string) => (output += text));
  const closed = once(wrk, "close");
  await Promise.race([delay(forMs), closed]);
  wrk.kill("SIGINT");
  await closed;
  return parse(output);
}

function parse(output: string): LoadResult {
  const total = /(\d+) requests in ([\d.]+)(ms|s|m)/.exec(output);
  if (total === null) throw new Error(`wrk said nothing that is understood here:\n${output}`);
  const unit = { ms: 0.001, s: 1, m: 60 }[total[3] as "ms" | "s" | "m"];
  const errors = /Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)/.exec(output)?.slice(1) ?? [];
  const refused = /Non-2xx or 3xx responses: (\d+)/.exec(output)?.[1] ?? "0";
  return {
    requests: Number(total[1]),
    seconds: Number(total[2]) * unit,
    failed: [...errors, refused].reduce((sum, each) => sum + Number(each), 0),
  };
}
