import { mkdirSync, readFileSync } from "node:fs";
import type { Service } from "../../../core/plan/service.ts";
import { writeFileAtomically } from "../../../local/atomic-file.ts";
import type { StateFolder } from "../../../local/state-folder.ts";
import { type Liveness, livenessOf, watchedLiveness } from "../watched-liveness.ts";
import { type Inspected, LABEL, labelOf, stateOf, timeOf } from "./containers.ts";
import type { DockerClient } from "./docker-client.ts";

export interface ContainerLiveness {
  /** Asks one that is due, and restarts one that was asked in vain often enough. Never waits for it. */
  watch(container: Inspected, address: string | undefined): void;
  /** How often it was restarted for that: the engine counts only what ended by itself. */
  restartsOf(container: Inspected): number;
}

const RESTART_WITHIN_MS = 60_000;
const STOP_SECONDS = 5;

export function containerLiveness(folder: StateFolder, docker: DockerClient): ContainerLiveness {
  const counts = new Map<string, number>(Object.entries(readCounts(folder)));
  const ask = watchedLiveness(async ({ id }) => {
    counts.set(id, (counts.get(id) ?? 0) + 1);
    mkdirSync(folder.file("compose"), { recursive: true, mode: 0o700 });
    await writeFileAtomically(fileOf(folder), `${JSON.stringify(Object.fromEntries(counts))}\n`);
    await docker.change("POST", `/containers/${id}/restart?t=${STOP_SECONDS}`, undefined, RESTART_WITHIN_MS);
  });
  return {
    watch(container, address) {
      const liveness = livenessOfContainer(container);
      if (liveness === null || address === undefined || stateOf(container) !== "running") return;
      const life = container.State.StartedAt;
      ask({ id: container.Id, life, startedAt: timeOf(life) ?? 0, address, liveness });
    },
    restartsOf: ({ Id }) => counts.get(Id) ?? 0,
  };
}

/** It goes into a label, so that whoever acts next asks the same. */
export function livenessLabel(service: Pick<Service, "health" | "startMs">): Readonly<Record<string, string>> {
  const liveness = livenessOf(service);
  return liveness === undefined ? {} : { [LABEL.liveness]: JSON.stringify(liveness) };
}

function livenessOfContainer(container: Inspected): Liveness | null {
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
