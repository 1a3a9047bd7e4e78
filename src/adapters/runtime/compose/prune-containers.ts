import { readdirSync, readFileSync, rmSync } from "node:fs";
import type { StateFolder } from "../../../local/state-folder.ts";
import { type Inspected, LABEL, labelOf, stateOf, timeOf } from "./containers.ts";
import type { DockerClient } from "./docker-client.ts";
import { builtTag } from "./images.ts";
import { removeContainer } from "./start-container.ts";

export interface PrunePlace {
  readonly docker: DockerClient;
  readonly folder: StateFolder;
  readonly app: string;
  readonly environment: string;
}

/** A stopped container's log is wanted for a while. */
const KEPT_MS = 60 * 60_000;

/**
 * Takes away the containers, the images that were built here and the notes of versions whose folders went, and stopped
 * containers that nobody asks about any more.
 */
export async function pruneContainers(
  place: PrunePlace,
  containers: readonly Inspected[],
  removed: readonly string[],
  inUse: readonly string[],
): Promise<void> {
  const { docker } = place;
  const isOld = (container: Inspected): boolean => {
    const version = labelOf(container, LABEL.version) ?? "";
    if (inUse.includes(version) || stateOf(container) !== "exited") return false;
    return removed.includes(version) || (timeOf(container.State.FinishedAt) ?? 0) < Date.now() - KEPT_MS;
  };
  for (const container of containers.filter(isOld)) await removeContainer(docker, container.Id).catch(() => undefined);
  for (const record of recordsOf(place.folder)) {
    if (!removed.includes(record.version)) continue;
    for (const service of Object.keys(record.images)) {
      const tag = builtTag({ ...place, version: record.version }, service);
      // Another version may have the same content: then only the name goes.
      await docker.change("DELETE", `/images/${encodeURIComponent(tag)}`).catch(() => undefined);
    }
    rmSync(record.file, { force: true });
  }
}

function recordsOf(
  folder: StateFolder,
): readonly { file: string; version: string; images: Readonly<Record<string, unknown>> }[] {
  const root = folder.file("compose");
  try {
    return readdirSync(root)
      .filter((name) => /^[0-9a-f]{16}\.json$/.test(name))
      .map((name) => ({
        ...(JSON.parse(readFileSync(`${root}/${name}`, "utf8")) as {
          version: string;
          images: Record<string, unknown>;
        }),
        file: `${root}/${name}`,
      }));
  } catch {
    return [];
  }
}
