import { mkdirSync, readFileSync } from "node:fs";
import { FaultError } from "../../core/fault.ts";
import { writeFileAtomically } from "../../local/atomic-file.ts";
import { lock } from "../../local/exclusive-lock.ts";
import type { StateFolder } from "../../local/state-folder.ts";

/**
 * The epoch of the engine of releases that may change what runs. A Docker engine and systemd know nothing of such, so it is
 * kept in the state folder, and asked before each change.
 */
export interface ClaimedEpoch {
  claim(epoch: number): Promise<void>;
  /** Whether this process acts, or thinks that it does. */
  isClaimed(): boolean;
  /** Faults: stale-epoch. */
  mustBeMine(): void;
}

/** `part`: the runtime's own folder in the state folder. */
export function claimedEpoch(folder: StateFolder, part: "compose" | "systemd"): ClaimedEpoch {
  const file = folder.file(part, "epoch");
  let mine: number | null = null;
  const read = (): number => {
    try {
      return Number(readFileSync(file, "utf8")) || 0;
    } catch {
      return 0;
    }
  };
  return {
    async claim(epoch) {
      // Whatever comes of it: what is done from now on is done in this engine's name, or a stale one could do it too.
      mine = epoch;
      mkdirSync(folder.file(part), { recursive: true, mode: 0o700 });
      using _alone = await lock(folder.file(part, "epoch.lock"));
      const highest = read();
      if (highest > epoch) throw stale(epoch, highest);
      if (highest < epoch) await writeFileAtomically(file, `${epoch}\n`);
    },
    isClaimed: () => mine !== null && mine >= read(),
    mustBeMine() {
      const highest = read();
      if (mine !== null && mine < highest) throw stale(mine, highest);
    },
  };
}

function stale(mine: number, highest: number): FaultError {
  return new FaultError({
    code: "stale-epoch",
    what: `Another engine has taken over: it acts with epoch ${highest}, this one with ${mine}.`,
  });
}
