import { mkdirSync, readFileSync } from "node:fs";
import type { Health } from "../../../core/plan/plan.ts";
import { writeFileAtomically } from "../../../local/atomic-file.ts";
import { exchange } from "../../../local/http-exchange.ts";
import type { StateFolder } from "../../../local/state-folder.ts";
import { type Inspected, LABEL, labelOf, stateOf, timeOf } from "./containers.ts";
import type { DockerClient } from "./docker-client.ts";

/** How a container is asked whether it hangs; it goes into a label, so that whoever acts next asks the same. */
export type Liveness = Pick<Health, "everyMs" | "timeoutMs" | "fall" | "delayMs"> & { readonly path: string };

export interface ContainerLiveness {
  /** Asks one that is due, and restarts one that was asked in vain often enough. Never waits for it. */
  watch(container: Inspected, address: string | undefined): void;
  /** How often it was restarted for that: the engine counts only what ended by itself. */
  restartsOf(container: Inspected): number;
}

interface Watched {
  /** The life that is watched: another one begins from nothing. */
  readonly life: string;
  nextAt: number;
  bad: number;
  isBusy: boolean;
}

const RESTART_WITHIN_MS = 60_000;
const STOP_SECONDS = 5;

export function containerLiveness(folder: StateFolder, docker: DockerClient): ContainerLiveness {
  const watched = new Map<string, Watched>();
  const counts = new Map<string, number>(Object.entries(readCounts(folder)));

  const restart = async (container: Inspected): Promise<void> => {
    counts.set(container.Id, (counts.get(container.Id) ?? 0) + 1);
    mkdirSync(folder.file("compose"), { recursive: true, mode: 0o700 });
    await writeFileAtomically(fileOf(folder), `${JSON.stringify(Object.fromEntries(counts))}\n`);
    await docker.change("POST", `/containers/${container.Id}/restart?t=${STOP_SECONDS}`, undefined, RESTART_WITHIN_MS);
  };

  const ask = async (container: Inspected, mine: Watched, liveness: Liveness, address: string): Promise<void> => {
    const { path, timeoutMs, fall, delayMs } = liveness;
    const answer = await exchange({ url: `http://${address}${path}`, timeoutMs, keepBytes: 0, beyond: "stop" });
    const isGood = answer.answered && answer.status >= 200 && answer.status < 300;
    const isEarly = Date.now() - (timeOf(container.State.StartedAt) ?? 0) < delayMs;
    mine.bad = isGood || isEarly ? 0 : mine.bad + 1;
    if (mine.bad < fall) return;
    mine.bad = 0;
    await restart(container);
  };

  return {
    watch(container, address) {
      const liveness = livenessOf(container);
      if (liveness === null || address === undefined || stateOf(container) !== "running") return;
      const known = watched.get(container.Id);
      const life = container.State.StartedAt;
      const mine = known?.life === life ? known : { life, nextAt: 0, bad: 0, isBusy: false };
      watched.set(container.Id, mine);
      if (mine.isBusy || performance.now() < mine.nextAt) return;
      mine.isBusy = true;
      mine.nextAt = performance.now() + liveness.everyMs;
      // What can't be restarted now is asked again in its time.
      void ask(container, mine, liveness, address)
        .catch(() => undefined)
        .finally(() => (mine.isBusy = false));
    },
    restartsOf: ({ Id }) => counts.get(Id) ?? 0,
  };
}

export function livenessLabel({ live, everyMs, timeoutMs, fall, delayMs }: Health): Readonly<Record<string, string>> {
  if (live === undefined) return {};
  const liveness: Liveness = { path: live, everyMs, timeoutMs, fall, delayMs };
  return { [LABEL.liveness]: JSON.stringify(liveness) };
}

function livenessOf(container: Inspected): Liveness | null {
  const text = labelOf(container, LABEL.liveness);
  return text === undefined ? null : (JSON.parse(text) as Liveness);
}

function readCounts(folder: StateFolder): Readonly<Record<string, number>> {
  try {
    return JSON.parse(readFileSync(fileOf(folder), "utf8")) as Readonly<Record<string, number>>;
  } catch {
    return {};
  }
}

function fileOf(folder: StateFolder): string {
  return folder.file("compose", "restarted.json");
}
