import type { Plan } from "../../../core/plan/plan.ts";
import type { ServiceOf } from "../../../core/plan/service.ts";
import { createStateFolder, type StateFolder } from "../../../local/state-folder.ts";
import { startOthers } from "./dependencies.ts";
import { dockerAddress } from "./docker-address.ts";
import { dockerClient } from "./docker-client.ts";
import { noteEngine } from "./engine-record.ts";
import { projectReader } from "./project-reader.ts";
import { sharedPart, untilDependable } from "./shared-part.ts";

export interface RehearsedServerOrder {
  readonly plan: Pick<Plan, "app" | "environment">;
  /** One that is rehearsed: its project is what counts. */
  readonly service: ServiceOf<"compose">;
  readonly planFolder: string;
  readonly folder: StateFolder;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly signal: AbortSignal;
}

/** Starts the database's own server of a rehearsal, before anything of a version is. Faults: dependency-not-started, dependency-not-healthy. */
export async function startRehearsedServer(order: RehearsedServerOrder): Promise<void> {
  const { plan, service, planFolder, folder, env, signal } = order;
  const { project: settings } = service.runtime;
  const server = settings.rehearsal?.server;
  if (server === undefined) return;
  const docker = dockerClient(dockerAddress(settings, env));
  const { app, environment } = plan;
  createStateFolder(folder);
  await noteEngine(folder, docker.address, { app, environment });
  const read = projectReader({ project: settings, planFolder, env, docker: () => docker });
  const project = await read("VERSION", planFolder);
  const names = [...sharedPart(project.resolved, [], [server.service]).others, server.service];
  await startOthers(docker, project, names, signal);
  const { name } = project.resolved;
  const isChecked = project.resolved.services[server.service]?.["healthcheck"] !== undefined;
  await untilDependable(docker, name, server.service, isChecked ? "healthy" : "started", service.startMs, signal);
}
