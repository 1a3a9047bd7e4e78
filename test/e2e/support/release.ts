import assert from "node:assert/strict";
import type { Status } from "../../../src/core/status/status.ts";
import type { App } from "./app.ts";
import type { Command, Ended } from "./command.ts";

/** The status with which `--json` of a command that follows a release ends. */
export function lastStatus({ stdout, stderr }: Pick<Ended, "stdout" | "stderr">): Status {
  const last = JSON.parse(stdout.trim().split("\n").at(-1) ?? "{}") as { readonly type?: string; status?: Status };
  assert.equal(last.type, "status", `${stdout}${stderr}`);
  return last.status as Status;
}

/** Runs a release to its end, which must be a good one. */
export async function releaseWell(app: App, ...more: readonly string[]): Promise<Status> {
  const ended = await app.tidegate(["release", "--json", ...more]);
  assert.equal(ended.code, 0, ended.stdout + ended.stderr);
  return lastStatus(ended);
}

/** Waits until the data plane has confirmed a share, as the command's documents tell it. */
export async function untilShare(command: Command, percent: number, times = 1, boundMs = 40_000): Promise<void> {
  const confirmed = (): number =>
    command
      .documents()
      .filter(
        ({ type, observed }) =>
          type === "effect-confirmed" && (observed as { sharePercent?: number } | undefined)?.sharePercent === percent,
      ).length;
  await command.says(`${percent}% of the traffic`, () => confirmed() >= times, boundMs);
}

/** What went wrong, as `--json` tells it. */
export function faultOf({ stdout, stderr }: Ended): {
  readonly code: string;
  what: string;
  where?: string;
  fix?: string;
} {
  const line = stdout.trim().split("\n").at(-1) ?? "";
  assert.match(line, /^\{"fault":/, `${stdout}${stderr}`);
  return (JSON.parse(line) as { fault: { code: string; what: string; where?: string; fix?: string } }).fault;
}
