import { setTimeout as delay } from "node:timers/promises";
import { commandOf, environmentOf, listProcesses, type ProcessRow } from "../local/process-table.ts";
import type { Stage } from "./stage.ts";

/**
 * The processes that live on a stage: they have its data folder in their environment, and nobody else has, because the
 * folder is the demo's own; or they name the shop's state or its store in their command line.
 */
export function livingOn({ data, shop, store }: Stage): readonly ProcessRow[] {
  return listProcesses().filter(({ pid, isZombie }) => {
    if (isZombie || pid === process.pid) return false;
    if (environmentOf(pid)["SHOP_DATA"] === data) return true;
    const command = commandOf(pid, 10_000);
    return command.includes(`--state ${shop}/`) || command.includes(`--store ${store}`);
  });
}

/** Waits until nobody lives there, and kills who stays beyond the grace; answers who had to be killed. */
export async function emptyStage(stage: Stage, graceMs: number): Promise<readonly string[]> {
  const until = performance.now() + graceMs;
  let left = livingOn(stage);
  while (left.length > 0 && performance.now() < until) {
    await delay(50);
    left = livingOn(stage);
  }
  const stubborn = left.map(({ pid }) => `${pid}: ${commandOf(pid, 80)}`);
  for (let rounds = 0; left.length > 0 && rounds < 40; rounds += 1) {
    killAll(left);
    await delay(50);
    left = livingOn(stage);
  }
  return stubborn;
}

/** For a process that is about to end and can't wait for anything: kills all of them, and what they start meanwhile. */
export function emptyStageNow(stage: Stage): void {
  for (let rounds = 0; rounds < 40; rounds += 1) {
    const left = livingOn(stage);
    if (left.length === 0) return;
    killAll(left);
    // Nothing else may run any more, so this is the one place where waiting may block.
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 25);
  }
}

function killAll(rows: readonly ProcessRow[]): void {
  for (const { pid } of rows) {
    try {
      process.kill(pid, "SIGKILL");
    } catch {
      // It ended by itself in the meantime.
    }
  }
}
