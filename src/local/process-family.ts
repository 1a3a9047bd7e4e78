import { setTimeout as delay } from "node:timers/promises";
import { FaultError } from "../core/fault.ts";
import type { ProcessIdentity } from "./process-identity.ts";
import { listProcesses, type ProcessRow } from "./process-table.ts";

/** How long the kernel may take to end what was sent SIGKILL. */
const KILL_BOUND_MS = 10_000;

/**
 * Every living process that came from one that was started in a session of its own (`detached: true`): its session, its
 * process group, and the descendants that left both but still have a parent among them. Empty when all are gone.
 */
export function familyOf(
  leader: ProcessIdentity,
  table: readonly ProcessRow[] = listProcesses(),
): readonly ProcessRow[] {
  const living = table.filter((row) => !row.isZombie);
  const holder = table.find((row) => row.pid === leader.pid);
  // While any member lives, the kernel gives the leader's pid to nobody else: a stranger there means that all are gone.
  if (holder !== undefined && holder.startTicks !== leader.startTicks) return [];
  const members = new Map<number, ProcessRow>();
  for (const row of living) {
    if (row.session === leader.pid || row.group === leader.pid || row.pid === leader.pid) members.set(row.pid, row);
  }
  for (let grew = true; grew;) {
    const children = living.filter((row) => members.has(row.parent) && !members.has(row.pid));
    for (const row of children) members.set(row.pid, row);
    grew = children.length > 0;
  }
  return [...members.values()];
}

/**
 * SIGTERM to the whole family, SIGKILL to what is left of it after the grace. Resolves when none of it lives,
 * with whether SIGKILL was needed.
 * Faults: process-not-killable (the kernel itself is stuck on it).
 */
export async function stopFamily(leader: ProcessIdentity, graceMs: number): Promise<boolean> {
  const known = new Map<string, ProcessRow>();
  const left = (): readonly ProcessRow[] => {
    const table = listProcesses();
    for (const row of familyOf(leader, table)) known.set(keyOf(row), row);
    // Who was seen once is followed by identity: a grandchild whose parent has gone is nobody's descendant any more.
    return table.filter((row) => !row.isZombie && known.has(keyOf(row)));
  };
  signalAll(leader, left(), "SIGTERM");
  const killAt = performance.now() + graceMs;
  while (left().length > 0 && performance.now() < killAt) await delay(25);
  const giveUpAt = performance.now() + KILL_BOUND_MS;
  for (let wasKilled = false; ; wasKilled = true) {
    const stubborn = left();
    if (stubborn.length === 0) return wasKilled;
    if (performance.now() > giveUpAt) throw new FaultError(notKillable(stubborn));
    signalAll(leader, stubborn, "SIGKILL");
    await delay(25);
  }
}

function signalAll(leader: ProcessIdentity, rows: readonly ProcessRow[], signal: NodeJS.Signals): void {
  // The group at once, so that no member can start another one between two signals.
  if (rows.some((row) => row.group === leader.pid)) send(-leader.pid, signal);
  for (const row of rows) if (row.group !== leader.pid) send(row.pid, signal);
}

function send(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // It ended in the meantime, which is what was wanted.
  }
}

function keyOf(row: ProcessRow): string {
  return `${row.pid}/${row.startTicks}`;
}

function notKillable(rows: readonly ProcessRow[]): { code: string; what: string; fix: string } {
  const pids = rows.map((row) => row.pid).join(", ");
  return {
    code: "process-not-killable",
    what: `The kernel did not end process ${pids} within ${KILL_BOUND_MS / 1_000} s of SIGKILL.`,
    fix: `look at what it waits for: cat /proc/${rows[0]?.pid ?? "PID"}/stack ; often a network file system or a broken disk`,
  };
}
