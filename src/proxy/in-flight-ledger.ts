import { closeSync, openSync, unlinkSync, writeSync } from "node:fs";
import { identify } from "../local/process-identity.ts";
import type { StateFolder } from "../local/state-folder.ts";
import { CONNECTIONS, type InFlightCount, LEDGER_COUNTS_AT, ledgerName } from "./lost-requests.ts";

/** Under load it changes more often than it need be written. */
const WRITE_MS = 1;

/**
 * What this process has in flight, in a small file: one that is killed can tell nobody any more, so the next reads it
 * there. Written in place a moment after it has changed, and left to the kernel, which outlives the process.
 */
export class InFlightLedger {
  readonly #path: string;
  readonly #counts: () => readonly InFlightCount[];
  readonly #connections: () => number;
  #file: number | null = null;
  #isDue = false;

  /** Both are asked under load. Where the file can't be made there is none, and all else goes on. */
  constructor(folder: StateFolder, proxy: string, counts: () => readonly InFlightCount[], connections: () => number) {
    this.#connections = connections;
    this.#path = folder.file(ledgerName());
    this.#counts = counts;
    try {
      this.#file = openSync(this.#path, "w", 0o600);
      const header = JSON.stringify({ proxy, identity: identify(process.pid) });
      writeSync(this.#file, header.padEnd(LEDGER_COUNTS_AT, " "), 0, "latin1");
    } catch {
      this.#giveUp();
    }
  }

  /** Something has changed. */
  readonly touch = (): void => {
    if (this.#isDue || this.#file === null) return;
    this.#isDue = true;
    setTimeout(() => {
      this.#isDue = false;
      this.#write();
    }, WRITE_MS).unref();
  };

  /** What is still in flight now is lost with this process, and stays in the file. Idle connections end in order. */
  close(): void {
    const isEmpty = this.#counts().every(({ requests, webSockets }) => requests + webSockets === 0);
    this.#write();
    this.#giveUp();
    if (isEmpty) removeFile(this.#path);
  }

  #write(): void {
    if (this.#file === null) return;
    const connections = this.#connections();
    let text = connections === 0 ? "" : `${CONNECTIONS} ${connections} 0\n`;
    for (const { version, requests, webSockets } of this.#counts()) {
      if (requests > 0 || webSockets > 0) text += `${encodeURIComponent(version)} ${requests} ${webSockets}\n`;
    }
    try {
      // An empty line ends it: what an earlier, longer one left behind it does not count.
      writeSync(this.#file, `${text}\n`, LEDGER_COUNTS_AT, "latin1");
    } catch {
      this.#giveUp();
    }
  }

  #giveUp(): void {
    if (this.#file !== null) closeSync(this.#file);
    this.#file = null;
  }
}

function removeFile(path: string): void {
  try {
    unlinkSync(path);
  } catch {
    // It is gone already.
  }
}
