import { isOfKind, type ServiceOf } from "../../../core/plan/service.ts";
import type { Notice } from "../../../ports/notice.ts";
import { placeIn } from "./compose-document.ts";
import { type ComposeTool, findCompose } from "./compose-tool.ts";
import { releasedNames } from "./dependencies.ts";
import { division } from "./division.ts";
import { type DockerAddress, dockerAddress, isOnThisMachine } from "./docker-address.ts";
import { dockerClient } from "./docker-client.ts";
import { noticeOf } from "./notice-of-fault.ts";
import { portsOf } from "./resolved-project.ts";
import type { ComposeRuntimeSettings } from "./runtime.ts";
import { serviceNotices } from "./service-notices.ts";
import { unbuiltTasks } from "./unbuilt-tasks.ts";
import { readUserProject, type UserProject } from "./user-project.ts";

export interface SurveySettings extends Pick<ComposeRuntimeSettings, "services" | "project" | "planFolder" | "env"> {
  /** Where the front door listens. */
  readonly frontPorts: readonly number[];
}

/**
 * What a release by compose would meet: the engine, compose, what is released and what is shared, and what two versions
 * beside each other would share that they should not. Reads the files beside the plan file, and changes nothing.
 */
export async function surveyCompose(settings: SurveySettings): Promise<readonly Notice[]> {
  const { env = process.env, project: chosen } = settings;
  const services = settings.services.filter(isOfKind("compose"));
  const notices: Notice[] = [];
  const attempt = async <T>(about: string, work: () => T | Promise<T>): Promise<T | null> => {
    try {
      return await work();
    } catch (error) {
      notices.push(noticeOf(about, error));
      return null;
    }
  };
  const address = await attempt("docker", () => dockerAddress(chosen, env));
  if (address !== null) {
    const engine = await attempt("docker", () => engineVersion(address));
    if (engine !== null)
      notices.push({ about: "docker", level: "ok", sentence: `Docker Engine ${engine} at ${address.host}` });
    if (!isOnThisMachine(address) && chosen.publish === undefined) notices.push(publishMissing(address));
  }
  const tool = await attempt("compose", () => findCompose(env));
  if (tool !== null)
    notices.push({ about: "compose", level: "ok", sentence: `${tool.command.join(" ")} ${tool.version}` });
  if (tool === null || address === null) return notices;
  const project = await attempt("compose file", () => read(settings, tool, address));
  if (project === null) return notices;
  return [
    ...notices,
    ...division(project, services),
    ...services.flatMap((service) => serviceNotices(project, service, services)),
    ...unbuiltTasks(project, settings.services),
    ...collidingPorts(project, services, settings.frontPorts),
  ];
}

async function engineVersion(address: DockerAddress): Promise<string> {
  return (
    (await dockerClient(address).get<{ readonly Version: string }>("/version"))?.Version ?? "of an unknown version"
  );
}

function read(
  { project, planFolder, env = process.env }: SurveySettings,
  tool: ComposeTool,
  address: DockerAddress,
): Promise<UserProject> {
  const place = { settings: project, address, planFolder, versionFolder: planFolder, version: "VERSION", env };
  return readUserProject(place, tool);
}

/** What the project publishes where the front door is to listen. */
function collidingPorts(
  { resolved, files }: UserProject,
  services: readonly ServiceOf<"compose">[],
  fronts: readonly number[],
): readonly Notice[] {
  const released = releasedNames(services);
  return Object.entries(resolved.services).flatMap(([name, service]) => {
    // Published on several addresses, or for TCP and UDP, it is one port all the same.
    const taken = new Set(
      portsOf(service).flatMap(({ published = 0 }) => (fronts.includes(published) ? [published] : [])),
    );
    return [...taken].map((published): Notice => {
      const where = placeIn(files.documents, ["services", name, "ports"]);
      return released.includes(name)
        ? {
            about: name,
            level: "warn",
            sentence: `it publishes port ${published} (${where}), where Tidegate's front door is to listen: while it runs as it was started by compose, that port is taken`,
            fix: `let the front door listen elsewhere until that container is stopped, or take it over from there: docs/compose.md`,
          }
        : {
            about: name,
            level: "bad",
            sentence: `it publishes port ${published} (${where}), where Tidegate's front door is to listen, and it goes on running`,
            fix: "choose another port in `traffic` of the plan file",
          };
    });
  });
}

function publishMissing({ host }: DockerAddress): Notice {
  return {
    about: "docker",
    level: "bad",
    sentence: `the engine at ${host} is on another machine, and nothing says on which address its containers are reached from here`,
    fix: "its own address in a network that both are in: `compose: { publish: 10.0.0.5 }`",
  };
}
