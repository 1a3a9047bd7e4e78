import { withoutFullStop } from "../../../core/text/plain-text.ts";
import type { ServiceOf } from "../../../core/plan/service.ts";
import type { Notice } from "../../../ports/notice.ts";
import { placeIn } from "./compose-document.ts";
import { isAsked } from "./container-starter.ts";
import { portOf } from "./container-port.ts";
import { noticeOf } from "./notice-of-fault.ts";
import { keptApart, refusalsOf } from "./refusals.ts";
import { containerPorts, dependenciesOf, mountsOf, portsOf } from "./resolved-project.ts";
import type { ReadProject } from "./user-project.ts";

/** What two versions of a service beside each other would meet. `services`: all of the plan that are of the project. */
export function serviceNotices(
  project: ReadProject,
  service: ServiceOf<"compose">,
  services: readonly ServiceOf<"compose">[],
): readonly Notice[] {
  return [...ofService(project, service), ...startedLater(project, service, services)];
}

function ofService(project: ReadProject, service: ServiceOf<"compose">): readonly Notice[] {
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
      sentence: withoutFullStop(what),
      ...(where === undefined ? {} : { where }),
      ...(fix === undefined ? {} : { fix }),
    })),
    ...unclearPort(project, service),
    ...keptApart(resolved, name, files.documents).map((sentence): Notice => ({
      about,
      level: "warn",
      sentence: withoutFullStop(sentence),
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

/** What has no route starts when the candidate has all of the traffic, which is late for who takes requests and needs it. */
function startedLater(
  { resolved, files }: ReadProject,
  service: ServiceOf<"compose">,
  services: readonly ServiceOf<"compose">[],
): readonly Notice[] {
  if (service.routes.length === 0) return [];
  const name = service.runtime.service;
  const needed = dependenciesOf(resolved.services[name] ?? {});
  const late = services.filter(
    ({ routes, overlap, runtime }) => routes.length === 0 && !overlap && needed.has(runtime.service),
  );
  return late.map((other): Notice => ({
    about: service.name,
    level: "warn",
    sentence: `it depends on ${other.name}, which has no route and so starts when all of the traffic is given: until then the new ${service.name} runs without it`,
    where: placeIn(files.documents, ["services", name, "depends_on"]),
    fix: `give ${other.name} a route of its own, which nobody need ask for (\`route: ${other.name}.internal/\`), and name it before ${service.name}: then both run from the start`,
  }));
}

/** An image may name its port itself, and is not looked at here; of several ports nobody can choose one. */
function unclearPort(project: ReadProject, service: ServiceOf<"compose">): readonly Notice[] {
  const written = project.resolved.services[service.runtime.service] ?? {};
  if (!isAsked(service) || containerPorts(written).length < 2) return [];
  try {
    portOf(project, service, {});
    return [];
  } catch (error) {
    return [noticeOf(service.name, error)];
  }
}
