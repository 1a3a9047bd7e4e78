import { isOfKind, type ServiceOf, type Service } from "../../../core/plan/service.ts";
import type { StateFolder } from "../../../local/state-folder.ts";
import type { ClaimedEpoch } from "../claimed-epoch.ts";
import type { ComposeStart } from "./container-of-order.ts";
import type { Inspected } from "./containers.ts";
import { ensureDependencies, releasedNames } from "./dependencies.ts";
import type { DockerClient } from "./docker-client.ts";
import { noteEngine } from "./engine-record.ts";
import { imageOfVersion } from "./image-of-version.ts";
import { portOf } from "./container-port.ts";
import type { ImageOrder } from "./images.ts";
import type { ProjectReader } from "./project-reader.ts";
import { mustBeReleasable } from "./refusals.ts";
import { containerWith, isLiving, startContainers, type StartPlace } from "./start-container.ts";

export interface ContainerStarterSettings {
  readonly app: string;
  readonly environment: string;
  readonly services: readonly Service[];
  readonly folder: StateFolder;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly docker: () => DockerClient;
  readonly read: ProjectReader;
  readonly epoch: ClaimedEpoch;
}

/** Starts an instance with everything that it needs; what lives already is answered as it is. */
export function containerStarter(settings: ContainerStarterSettings): (order: ComposeStart) => Promise<Inspected> {
  const { app, environment, services, folder, env, docker, read, epoch } = settings;

  const placeFor = async (order: ComposeStart): Promise<StartPlace> => {
    const { service, version, directory } = order;
    const project = await read(version, directory);
    mustBeReleasable(project, service);
    const signal = new AbortController().signal;
    const images: ImageOrder = { folder, docker: docker(), project, app, environment, version, signal };
    const image = await imageOfVersion(images, directory, service);
    const place = {
      folder,
      docker: docker(),
      project,
      image,
      env,
      peers: services
        .filter(isOfKind("compose"))
        .filter(({ routes }) => routes.length > 0)
        .map(({ runtime }) => runtime.service),
      ...(isAsked(service) ? { port: portOf(project, service, image) } : {}),
    };
    await noteEngine(folder, docker().address, { app, environment });
    await ensureDependencies(place, order, releasedNames(services));
    return place;
  };

  return async (order) => {
    epoch.mustBeMine();
    const before = await containerWith(docker(), order);
    if (before !== null && isLiving(before)) return before;
    const place = await placeFor(order);
    epoch.mustBeMine();
    // Compose takes a second for each time that it is asked: the other replicas, which are asked for next, come along.
    const others = Array.from({ length: order.service.replicas }, (_, index) => ({ ...order, index }));
    return startContainers(place, [order, ...others.filter(({ index }) => index !== order.index)]);
  };
}

/** Somebody sends requests to it, so its port must be known. */
export function isAsked({ routes, health }: ServiceOf<"compose">): boolean {
  return routes.length > 0 || health !== undefined;
}
