import { faultOf } from "../../../core/fault.ts";
import { isOfKind, type ServiceOf } from "../../../core/plan/plan.ts";
import type { Notice } from "../../../ports/notice.ts";
import { placeIn } from "./compose-files.ts";
import { type ComposeTool, findCompose } from "./compose-tool.ts";
import { releasedNames } from "./dependencies.ts";
import { isAsked } from "./container-starter.ts";
import { type DockerAddress, dockerAddress, isOnThisMachine } from "./docker-address.ts";
import { dockerClient } from "./docker-client.ts";
import { portOf } from "./images.ts";
import { keptApart, refusalsOf } from "./refusals.ts";
import {
  containerPorts,
  dependenciesOf,
  mountsOf,
  nameOnEngine,
  portsOf,
  type ResolvedProject,
} from "./resolved-project.ts";
import type { ComposeRuntimeSettings } from "./runtime.ts";
import { sharedPart } from "./shared-part.ts";
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
    ...services.flatMap((service) => ofService(project, service)),
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

/** Which services are released, and which are there once for all versions. */
function division({ resolved, files }: UserProject, services: readonly ServiceOf<"compose">[]): readonly Notice[] {
  const released = releasedNames(services);
  const { others, tasks } = sharedPart(resolved, released);
  const rest = Object.keys(resolved.services).filter((name) => ![...released, ...others, ...tasks].includes(name));
  const notice = (sentence: string): Notice => ({ about: "compose file", level: "info", sentence });
  const volumes = [...new Set(others.flatMap((name) => volumesOf(resolved, name)))];
  return [
    notice(
      `project ${resolved.name}, from ${files.documents.map(({ name }) => name).join(" and ")}: ${released.join(", ")} ${released.length === 1 ? "runs" : "run"} once for each version`,
    ),
    ...(others.length === 0
      ? []
      : [
          notice(
            `${others.join(", ")} ${others.length === 1 ? "is" : "are"} shared by all versions and left as ${others.length === 1 ? "it is" : "they are"}${volumes.length === 0 ? "" : `, with ${volumes.join(", ")}`}`,
          ),
        ]),
    ...(tasks.length === 0
      ? []
      : [
          notice(
            `${tasks.join(", ")} ${tasks.length === 1 ? "runs" : "run"} once for each version, to the end, before what waits for it starts`,
          ),
        ]),
    ...(rest.length === 0
      ? []
      : [
          notice(
            `${rest.join(", ")} ${rest.length === 1 ? "is" : "are"} neither released nor needed by what is: left alone`,
          ),
        ]),
    ...[...others, ...rest].flatMap((name) => callsReleased(resolved, files.documents, name, released)),
  ];
}

function volumesOf(project: ResolvedProject, service: string): readonly string[] {
  return mountsOf(project.services[service] ?? {}).flatMap(({ kind, source }) =>
    kind === "volume" && source !== undefined ? [nameOnEngine(project, "volumes", source)] : [],
  );
}

function callsReleased(
  project: ResolvedProject,
  documents: UserProject["files"]["documents"],
  name: string,
  released: readonly string[],
): readonly Notice[] {
  const called = [...dependenciesOf(project.services[name] ?? {}).keys()].filter((each) => released.includes(each));
  if (called.length === 0) return [];
  return [
    {
      about: name,
      level: "warn",
      sentence: `it depends on ${called.join(" and ")} (${placeIn(documents, ["services", name, "depends_on"])}), which it will not find under that name: a name can't lead to the version that serves`,
      fix: `let ${name} call ${called.join(" and ")} through Tidegate's front door, or release it too`,
    },
  ];
}

function ofService(project: UserProject, service: ServiceOf<"compose">): readonly Notice[] {
  const { resolved, files } = project;
  const name = service.runtime.service;
  const written = resolved.services[name];
  const about = service.name;
  if (written === undefined) {
    const sentence = `the compose file has no service ${name}; it has ${Object.keys(resolved.services).join(", ")}`;
    return [{ about, level: "bad", sentence, fix: "correct `compose:` in the plan file" }];
  }
  const refusals = refusalsOf(resolved, name, files.documents);
  const shared = mountsOf(written).filter(
    ({ kind, source, isReadOnly }) => (kind === "volume" || kind === "bind") && source !== undefined && !isReadOnly,
  );
  const closed = portsOf(written).filter(
    ({ target, protocol }) => protocol !== "tcp" || target !== (service.runtime.port ?? containerPorts(written)[0]),
  );
  const isAsked = service.routes.length > 0;
  return [
    ...refusals.map(({ what, where, fix }): Notice => ({
      about,
      level: "bad",
      sentence: what.replace(/\.$/, ""),
      ...(where === undefined ? {} : { where }),
      ...(fix === undefined ? {} : { fix }),
    })),
    ...unclearPort(project, service),
    ...keptApart(resolved, name, files.documents).map((sentence): Notice => ({
      about,
      level: "warn",
      sentence: sentence.replace(/\.$/, ""),
    })),
    ...(refusals.length > 0
      ? []
      : shared.map(({ source = "", target }): Notice => ({
          about,
          level: "warn",
          sentence: `both versions will write to ${source}, at ${target}, while they run beside each other (${placeIn(files.documents, ["services", name, "volumes"])})`,
          fix: "is every file there written by one of them at a time? then nothing needs to be done; else mount it read-only (`:ro`), or keep it in a shared service",
        }))),
    ...(closed.length === 0 || !isAsked
      ? []
      : [
          {
            about,
            level: "info" as const,
            sentence: `port ${closed.map(({ target, protocol }) => (protocol === "tcp" ? target : `${target}/${protocol}`)).join(", ")} of it ${closed.length === 1 ? "is" : "are"} not published for released containers; requests come by the front door`,
          },
        ]),
    ...(isAsked && service.health === undefined && written["healthcheck"] === undefined
      ? [
          {
            about,
            level: "warn" as const,
            sentence:
              "nothing says when it is ready: neither `health` in the plan file nor `healthcheck` in the compose file; it counts as ready when its port accepts connections",
            fix: "name a path: `health: /health`",
          },
        ]
      : []),
  ];
}

/** An image may name its port itself, and is not looked at here; of several ports nobody can choose one. */
function unclearPort(project: UserProject, service: ServiceOf<"compose">): readonly Notice[] {
  const written = project.resolved.services[service.runtime.service] ?? {};
  if (!isAsked(service) || containerPorts(written).length < 2) return [];
  try {
    portOf(project, service, { reference: "", id: "" });
    return [];
  } catch (error) {
    return [noticeOf(service.name, error)];
  }
}

/** What the project publishes where the front door is to listen. */
function collidingPorts(
  { resolved, files }: UserProject,
  services: readonly ServiceOf<"compose">[],
  fronts: readonly number[],
): readonly Notice[] {
  const released = releasedNames(services);
  return Object.entries(resolved.services).flatMap(([name, service]) => {
    const taken = portsOf(service).filter(({ published }) => published !== undefined && fronts.includes(published));
    return taken.map(({ published }): Notice => {
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

function noticeOf(about: string, error: unknown): Notice {
  const { what, where, cause, detail = [], fix } = faultOf(error, "runtime-unreachable", "it can't be asked.");
  const why = [...(cause === undefined ? [] : [cause]), ...detail].join("; ");
  return {
    about,
    level: "bad",
    sentence: `${what.replace(/\.$/, "")}${why === "" ? "" : `: ${why}`}`,
    ...(where === undefined ? {} : { where }),
    ...(fix === undefined ? {} : { fix }),
  };
}
