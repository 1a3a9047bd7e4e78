import { FaultError } from "../../../core/fault.ts";
import {
  EPOCH_HEADER,
  type InstanceSpec,
  type InstanceState,
  KEEPER_SOCKET,
  type KeeperState,
} from "../../../keeper/protocol.ts";
import { callControl, type ControlCall, Refusal } from "../../../local/control-socket.ts";
import { ensureKeeper, isAnythingKept, type KeeperStart } from "./ensure-keeper.ts";

/** What the runtime asks of the keeper. Writes start one when none runs. Faults: runtime-unreachable, the keeper's own. */
export interface KeeperClient {
  claim(epoch: number): Promise<void>;
  /** Null when no keeper runs and none has left anything to look after. */
  state(): Promise<KeeperState | null>;
  put(spec: InstanceSpec): Promise<InstanceState>;
  /** Null when the keeper knows no such instance. */
  remove(id: string, graceMs: number): Promise<InstanceState | null>;
  log(id: string, lines: number): Promise<readonly string[]>;
}

export function keeperClient(start: KeeperStart): KeeperClient {
  const { folder } = start;
  let epoch: number | null = null;
  const callOnce = async <T>(path: string, options: ControlCall): Promise<T> => {
    await ensureKeeper(start);
    return callControl<T>(folder.socket(KEEPER_SOCKET), path, {
      ...options,
      ...(epoch === null ? {} : { headers: { [EPOCH_HEADER]: String(epoch) } }),
    });
  };
  const call = async <T>(path: string, options: ControlCall = {}): Promise<T> => {
    try {
      // A keeper that dies in the middle is followed by another one, and asking twice is harmless.
      return await callOnce<T>(path, options).catch((error: unknown) => {
        if (isUnreachable(error)) return callOnce<T>(path, options);
        throw error;
      });
    } catch (error) {
      throw isUnreachable(error) ? unreachable(error) : error;
    }
  };
  return {
    async claim(next) {
      // Whatever comes of it: what is asked from now on is asked in this engine's name, or a stale one could do it too.
      epoch = next;
      await call("/claim", { method: "POST", body: { epoch: next } });
    },
    async state() {
      // A look at an empty place must not leave a keeper behind.
      return isAnythingKept(folder) ? call<KeeperState>("/state") : null;
    },
    put: (spec) => call(`/instances/${encodeURIComponent(spec.id)}`, { method: "PUT", body: spec, timeoutMs: 30_000 }),
    async remove(id, graceMs) {
      try {
        return await call<InstanceState>(`/instances/${encodeURIComponent(id)}?graceMs=${graceMs}`, {
          method: "DELETE",
          // The kernel may need a while after SIGKILL too.
          timeoutMs: graceMs + 20_000,
        });
      } catch (error) {
        if (error instanceof Refusal && error.status === 404) return null;
        throw error;
      }
    },
    async log(id, lines) {
      const answer = await call<{ lines: readonly string[] }>(
        `/instances/${encodeURIComponent(id)}/log?lines=${lines}`,
      );
      return answer.lines;
    },
  };
}

function isUnreachable(error: unknown): error is FaultError {
  return error instanceof FaultError && error.fault.code === "unreachable";
}

function unreachable(error: FaultError): FaultError {
  return new FaultError(
    {
      ...error.fault,
      code: "runtime-unreachable",
      what: "The keeper, which looks after the app's processes, does not answer.",
      fix: "tidegate doctor ; its own log is logs/keeper.log in the state folder",
    },
    { cause: error },
  );
}
