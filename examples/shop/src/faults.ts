import { readFileSync, unwatchFile, watchFile } from "node:fs";
import { join } from "node:path";

/** What is broken on purpose in one version. */
interface Faults {
  /** Part of the requests that throw, 0 … 1. */
  readonly errors: number;
  /** Added to every answer. */
  readonly slowMs: number;
  /** Dies half a second after reading this, and again after every start, until the file says otherwise. */
  readonly crash: boolean;
}

const NONE: Faults = { errors: 0, slowMs: 0, crash: false };
const CRASH_AFTER_MS = 500;

/**
 * Breaks a version while it runs, for those who want to see what happens then. `faults.json` in the data folder holds
 * faults by version, `{ "v2": { "errors": 0.2, "slowMs": 400, "crash": true } }`, and is read again whenever it changes.
 */
export class FaultSwitch {
  readonly #file: string;
  readonly #version: string;
  #faults: Faults = NONE;
  #crash: NodeJS.Timeout | undefined;

  constructor(folder: string, version: string) {
    this.#file = join(folder, "faults.json");
    this.#version = version;
    this.#read();
    watchFile(this.#file, { interval: 200, persistent: false }, () => this.#read());
  }

  /** Waits and throws as the file says. */
  async apply(): Promise<void> {
    const { errors, slowMs } = this.#faults;
    if (slowMs > 0) await new Promise((resolve) => setTimeout(resolve, slowMs));
    if (errors > 0 && Math.random() < errors)
      throw new TypeError("Cannot read properties of undefined (reading 'total')");
  }

  close(): void {
    unwatchFile(this.#file);
    clearTimeout(this.#crash);
  }

  #read(): void {
    const before = this.#faults;
    this.#faults = readFaults(this.#file, this.#version) ?? before;
    clearTimeout(this.#crash);
    if (this.#faults.crash)
      this.#crash = setTimeout(() => {
        throw new RangeError("Invalid array length: the order queue has overflowed");
      }, CRASH_AFTER_MS);
  }
}

/** undefined: the file is half written or wrong, and what held before goes on. */
function readFaults(file: string, version: string): Faults | undefined {
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch {
    return NONE;
  }
  try {
    return { ...NONE, ...(JSON.parse(text) as Record<string, Partial<Faults>>)[version] };
  } catch {
    console.error(`${file} is not JSON; it is left as it was`);
    return undefined;
  }
}
