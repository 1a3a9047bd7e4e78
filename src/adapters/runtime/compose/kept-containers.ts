import type { InstanceSeen } from "../../../core/observation.ts";
import type { StateFolder } from "../../../local/state-folder.ts";
import { adoptedContainers } from "./adopted-containers.ts";
import { findContainers, inspect, instanceOf, isInstance, labelOf, LABEL, placeLabels, stateOf } from "./containers.ts";
import { dockerClient, type DockerClient } from "./docker-client.ts";
import { readEngines } from "./engine-record.ts";
import { removeContainer } from "./start-container.ts";
import { stopContainer } from "./stop-container.ts";

interface Place {
  readonly app: string;
  readonly environment: string;
}

/**
 * The containers of a state folder, by what is noted there of their engines: no plan file is needed. Empty where there
 * never were any. Faults: runtime-unreachable.
 */
export async function keptContainers(folder: StateFolder, of: Place | null): Promise<readonly InstanceSeen[]> {
  const kept = await Promise.all(
    placesOf(folder, of).map(async ({ docker, place }) => [
      ...(await adoptedContainers(folder, docker, place).list(() => null)),
      ...(await findContainers(docker, placeLabels(place)))
        .filter(isInstance)
        .map((each) => instanceOf(each, null, null)),
    ]),
  );
  return kept.flat();
}

/**
 * Stops some of them; all of them, and takes what was stopped away, where none are named. What was adopted is left.
 * Answers whom it found.
 */
export async function stopKeptContainers(
  folder: StateFolder,
  ids: readonly string[] | null,
  stopMs: number,
): Promise<readonly string[]> {
  const stopped: string[] = [];
  for (const { docker, place } of placesOf(folder, null)) {
    const all = await findContainers(docker, placeLabels(place));
    const wanted = all.filter((each) => ids === null || ids.includes(labelOf(each, LABEL.instance) ?? ""));
    await Promise.all(
      wanted.filter((each) => stateOf(each) !== "exited").map((each) => stopContainer(docker, each, stopMs)),
    );
    stopped.push(...wanted.map((each) => labelOf(each, LABEL.instance) ?? ""));
    if (ids === null) await takeAway(docker, place);
  }
  return stopped;
}

/** Nothing of an app is left on the engine but its images, and what is the user's project's own. */
async function takeAway(docker: DockerClient, place: Place): Promise<void> {
  for (const { Id } of await findContainers(docker, placeLabels(place))) {
    const now = await inspect(docker, Id);
    if (now !== null && stateOf(now) === "exited") await removeContainer(docker, Id);
  }
  const filters = { label: Object.entries(placeLabels(place)).map(([name, value]) => `${name}=${value}`) };
  const networks = await docker.get<readonly { readonly Id: string }[]>(
    `/networks?filters=${encodeURIComponent(JSON.stringify(filters))}`,
  );
  // One that somebody else has joined stays.
  for (const { Id } of networks ?? []) await docker.change("DELETE", `/networks/${Id}`).catch(() => undefined);
}

function placesOf(folder: StateFolder, of: Place | null): readonly { docker: DockerClient; place: Place }[] {
  return readEngines(folder).flatMap(({ address, places }) => {
    const docker = dockerClient(address);
    return places
      .filter(({ app, environment }) => of === null || (of.app === app && of.environment === environment))
      .map((place) => ({ docker, place }));
  });
}
