import type { ServiceOf } from "../../../core/plan/service.ts";
import type { Notice } from "../../../ports/notice.ts";
import { placeIn } from "./compose-document.ts";
import { releasedNames } from "./dependencies.ts";
import { dependenciesOf, mountsOf, nameOnEngine, type ResolvedProject } from "./resolved-project.ts";
import { sharedPart } from "./shared-part.ts";
import type { ReadProject } from "./user-project.ts";

/** Which services are released, and which are there once for all versions. */
export function division(
  { resolved, files }: ReadProject,
  services: readonly ServiceOf<"compose">[],
): readonly Notice[] {
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
  documents: ReadProject["files"]["documents"],
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
