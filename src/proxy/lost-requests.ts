import { readdirSync, readFileSync, renameSync, statSync, unlinkSync, writeFileSync } from "node:fs";
import type { LostRequests } from "../core/traffic/routing.ts";
import { isSameProcess, type ProcessIdentity } from "../local/process-identity.ts";
import type { StateFolder } from "../local/state-folder.ts";

/** Of one version; of none yet: held by a pause. */
export interface InFlightCount {
  readonly version: string;
  readonly requests: number;
  readonly webSockets: number;
}

/** In the place of a version: the clients' open connections. No version is written so. */
export const CONNECTIONS = "/";

/** Where the counts begin in a ledger; before them stands whose it is. */
export const LEDGER_COUNTS_AT = 512;

export function ledgerName(): string {
  return `proxy-${String(process.pid).padStart(7, "0")}.inflight`;
}

const LEDGER = /^proxy-\d{7}\.inflight$/;
const LOST_FILE = "lost-requests.json";
/** Processes that are remembered. */
const MOST = 20;

/**
 * What processes of the data plane took with them when they were killed, oldest first. Reads what those have left that
 * ended since it was last asked, and removes that.
 */
export function lostRequests(folder: StateFolder): readonly LostRequests[] {
  const known = readLost(folder);
  const left = leftBy(folder);
  if (left.length === 0) return known;
  const fresh = left.flatMap(({ lost }) =>
    lost === null || known.some(({ proxy }) => proxy === lost.proxy) ? [] : [lost],
  );
  const all = [...known, ...fresh].sort((a, b) => a.at - b.at).slice(-MOST);
  try {
    if (fresh.length > 0) {
      const path = folder.file(LOST_FILE);
      writeFileSync(`${path}.new`, `${JSON.stringify(all)}\n`, { mode: 0o600 });
      renameSync(`${path}.new`, path);
    }
    for (const { path } of left) unlinkSync(path);
  } catch {
    // A full disk: told from memory, and read again by the next.
  }
  return all;
}

function leftBy(folder: StateFolder): readonly { readonly path: string; readonly lost: LostRequests | null }[] {
  return readdirSync(folder.path)
    .filter((name) => LEDGER.test(name) && name !== ledgerName())
    .flatMap((name) => {
      const path = folder.file(name);
      const ledger = readLedger(path);
      return ledger?.isAlive === true ? [] : [{ path, lost: ledger?.lost ?? null }];
    });
}

/** null: nobody can tell whose it is. */
function readLedger(path: string): { readonly isAlive: boolean; readonly lost: LostRequests | null } | null {
  try {
    const text = readFileSync(path, "latin1");
    const { proxy, identity } = JSON.parse(text.slice(0, LEDGER_COUNTS_AT)) as {
      readonly proxy: string;
      readonly identity: ProcessIdentity;
    };
    const [counts = ""] = `\n${text.slice(LEDGER_COUNTS_AT)}`.split("\n\n");
    const all = counts
      .split("\n")
      .filter((line) => line !== "")
      .map((line) => line.split(" "));
    const connections = Number(all.find(([version]) => version === CONNECTIONS)?.[1] ?? 0);
    const rows = all.filter(([version]) => version !== CONNECTIONS);
    const versions = rows.map(([version = "", requests]) => [decodeURIComponent(version), Number(requests)] as const);
    const requests = Object.fromEntries(versions.filter(([, count]) => count > 0));
    const webSockets = rows.reduce((sum, [, , count]) => sum + Number(count), 0);
    const at = Math.round(statSync(path).mtimeMs);
    const isNothing = all.length === 0;
    return {
      isAlive: isSameProcess(identity),
      lost: isNothing ? null : { proxy, pid: identity.pid, at, requests, webSockets, connections },
    };
  } catch {
    return null;
  }
}

function readLost(folder: StateFolder): readonly LostRequests[] {
  try {
    return JSON.parse(readFileSync(folder.file(LOST_FILE), "utf8")) as readonly LostRequests[];
  } catch {
    // None were lost yet, or nobody knows any more.
    return [];
  }
}
