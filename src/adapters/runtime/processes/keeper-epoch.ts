import { readFileSync } from "node:fs";
import { FaultError } from "../../../core/fault.ts";
import { KEEPER_RECORD_FILE, KEEPER_SOCKET, type KeeperState } from "../../../keeper/protocol.ts";
import { callControl, isAnswered } from "../../../local/control-socket.ts";
import type { StateFolder } from "../../../local/state-folder.ts";
import type { EpochHolder } from "../../../ports/emergency-exit.ts";

const READS_WITHIN_MS = 300;
const CLAIMS_WITHIN_MS = 1_000;

/** The keeper, asked briefly: one that hangs has left on disk what it knew. */
export function keeperEpoch(folder: StateFolder): EpochHolder {
  const socket = folder.socket(KEEPER_SOCKET);
  return {
    name: "the keeper",
    epoch: () =>
      callControl<KeeperState>(socket, "/state", { timeoutMs: READS_WITHIN_MS }).then(
        (state) => state.epoch,
        () => recordedEpoch(folder),
      ),
    async claim(epoch) {
      if (!(await isAnswered(socket))) throw new FaultError({ code: "unreachable", what: "None runs." });
      await callControl(socket, "/claim", { method: "POST", body: { epoch }, timeoutMs: CLAIMS_WITHIN_MS }).catch(
        (error: unknown) => {
          if (!(error instanceof FaultError) || error.fault.code !== "unreachable") throw error;
          throw new FaultError({ code: "unreachable", what: "It does not answer." }, { cause: error });
        },
      );
    },
  };
}

/** null: there never was a keeper. */
function recordedEpoch(folder: StateFolder): number | null {
  try {
    const { epoch } = JSON.parse(readFileSync(folder.file(KEEPER_RECORD_FILE), "utf8")) as { readonly epoch: number };
    return epoch;
  } catch {
    return null;
  }
}
