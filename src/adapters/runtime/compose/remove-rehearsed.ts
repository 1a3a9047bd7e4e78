import { stopFamily } from "../../../local/process-family.ts";
import { identify } from "../../../local/process-identity.ts";
import { commandOf, listProcesses } from "../../../local/process-table.ts";
import type { StateFolder } from "../../../local/state-folder.ts";
import { findContainers, LABEL } from "./containers.ts";
import { dockerClient, type DockerClient } from "./docker-client.ts";
import { readEngines } from "./engine-record.ts";
import { removeContainer } from "./start-container.ts";

const COMPOSE_PROJECT = "com.docker.compose.project";

/**
 * Takes away everything that a rehearsal has on the engines: containers, networks, volumes and the images that were built for it.
 * `isOwn`: which names of apps are a rehearsal's. Faults: runtime-unreachable, docker-refused.
 */
export async function removeRehearsed(folder: StateFolder, isOwn: (app: string) => boolean): Promise<void> {
  for (const { address, places } of readEngines(folder)) {
    const docker = dockerClient(address);
    for (const { app } of places.filter((place) => isOwn(place.app))) await removeProject(docker, app);
  }
}

/** Compose calls the rehearsal's own project as Tidegate calls its app. */
async function removeProject(docker: DockerClient, name: string): Promise<void> {
  await endCompose(name);
  const labels = [`${LABEL.app}=${name}`, `${COMPOSE_PROJECT}=${name}`];
  for (const label of [LABEL.app, COMPOSE_PROJECT])
    for (const { Id } of await findContainers(docker, { [label]: name })) await removeContainer(docker, Id);
  for (const label of labels)
    for (const { Id } of await list<{ Id: string }>(docker, "/networks", { label: [label] }))
      await docker.change("DELETE", `/networks/${Id}`);
  for (const label of labels)
    for (const volume of await volumesWith(docker, label))
      await docker.change("DELETE", `/volumes/${encodeURIComponent(volume)}`);
  for (const { RepoTags } of await list<{ RepoTags: readonly string[] | null }>(docker, "/images/json", {
    reference: [`tidegate/${name}-*`],
  }))
    for (const tag of RepoTags ?? [])
      if (tag.startsWith(`tidegate/${name}-`)) await docker.change("DELETE", `/images/${encodeURIComponent(tag)}`);
}

/** Where Tidegate was killed or interrupted, compose may be about to make something more. */
async function endCompose(name: string): Promise<void> {
  const all = listProcesses().filter(({ pid }) => commandOf(pid, LINE_LENGTH).includes(` --project-name ${name}`));
  const leaders = all.flatMap(({ pid }) => identify(pid) ?? []);
  await Promise.all(leaders.map((leader) => stopFamily(leader, ENDS_WITHIN_MS)));
}

const LINE_LENGTH = 10_000;
const ENDS_WITHIN_MS = 5_000;

async function volumesWith(docker: DockerClient, label: string): Promise<readonly string[]> {
  const answer = await docker.get<{ readonly Volumes: readonly { readonly Name: string }[] | null }>(
    `/volumes?filters=${filtersOf({ label: [label] })}`,
  );
  return (answer?.Volumes ?? []).map(({ Name }) => Name);
}

async function list<T>(docker: DockerClient, path: string, filters: Filters): Promise<readonly T[]> {
  return (await docker.get<readonly T[]>(`${path}?filters=${filtersOf(filters)}`)) ?? [];
}

type Filters = Readonly<Record<string, readonly string[]>>;

function filtersOf(filters: Filters): string {
  return encodeURIComponent(JSON.stringify(filters));
}
