import { type Fault, FaultError } from "../../../core/fault.ts";
import { isDataImage } from "../../../core/plan/data-image.ts";
import type { ServiceOf } from "../../../core/plan/service.ts";
import { type ComposeDocument, placeIn } from "./compose-document.ts";
import { listOf, mapOf, textOf } from "./written-values.ts";
import { mountsOf, networksOf, type ResolvedProject } from "./resolved-project.ts";
import type { ReadProject } from "./user-project.ts";

/** Why two versions of a service can't run beside each other on one engine; empty where nothing is in the way. */
export function refusalsOf(
  project: ResolvedProject,
  service: string,
  documents: readonly ComposeDocument[],
): readonly Fault[] {
  const written = project.services[service] ?? {};
  const refuse = (key: string, what: string, fix: string): Fault => ({
    code: "compose-not-releasable",
    what,
    where: placeIn(documents, ["services", service, key]),
    fix,
  });
  const mode = written["network_mode"];
  const fixedAddress = Object.entries(networksOf(written)).find(
    ([, { ipv4_address: four, ipv6_address: six }]) => four !== undefined || six !== undefined,
  );
  const place = placeOfData(project, service);
  return [
    ...(mode === undefined
      ? []
      : mode === "host"
        ? [
            refuse(
              "network_mode",
              `${service} is on the host's own network, where two versions of it can't listen on one port.`,
              "remove `network_mode: host`: Tidegate reaches a container by its own address; else run it with `run:`",
            ),
          ]
        : [
            refuse(
              "network_mode",
              `${service} has no network of its own (\`network_mode: ${textOf(mode)}\`), so no version of it can be reached alone.`,
              "remove `network_mode`",
            ),
          ]),
    ...(listOf(written["volumes_from"]).length === 0
      ? []
      : [
          refuse(
            "volumes_from",
            `${service} takes the volumes of another container (\`volumes_from\`).`,
            "name the volumes themselves, under `volumes`",
          ),
        ]),
    ...(fixedAddress === undefined
      ? []
      : [
          {
            ...refuse(
              "networks",
              `${service} has a fixed address in the network ${fixedAddress[0]}, which two versions can't both have.`,
              "remove it: others find the service by its name",
            ),
            where: placeIn(documents, ["services", service, "networks", fixedAddress[0]]),
          },
        ]),
    ...(place === null
      ? []
      : [
          refuse(
            "volumes",
            `${service} is a database with its data in ${place}, and two versions of it would write there at once.`,
            `take it out of \`services\` of the plan file: what is not named there is shared, runs once and stays as it is`,
          ),
        ]),
  ];
}

/** Faults: compose-not-releasable, with all that is in the way. */
export function mustBeReleasable(project: ReadProject, service: ServiceOf<"compose">): void {
  const [first, ...others] = refusalsOf(project.resolved, service.runtime.service, project.files.documents);
  if (first === undefined) return;
  throw new FaultError({
    ...first,
    ...(others.length === 0 ? {} : { detail: others.map(({ what, where }) => `${what} ${where ?? ""}`.trim()) }),
  });
}

/** Where a known database keeps what it must not share; null for what is none. */
function placeOfData(project: ResolvedProject, service: string): string | null {
  const written = project.services[service] ?? {};
  if (typeof written["image"] !== "string" || !isDataImage(written["image"]) || written["build"] !== undefined)
    return null;
  return (
    mountsOf(written).find(
      ({ kind, source, isReadOnly }) => (kind === "volume" || kind === "bind") && source !== undefined && !isReadOnly,
    )?.source ?? null
  );
}

/** Keys that two versions can't share; how they are kept apart is told. */
export function keptApart(
  project: ResolvedProject,
  service: string,
  documents: readonly ComposeDocument[],
): readonly string[] {
  const written = project.services[service] ?? {};
  const name = written["container_name"];
  const links = listOf(written["links"]);
  return [
    ...(typeof name === "string"
      ? [
          `\`container_name: ${name}\` of ${service} (${placeIn(documents, ["services", service, "container_name"])}) can't be the name of two containers: released ones have names of their own, and inside their slot they are still found as ${name}.`,
        ]
      : []),
    ...(links.length === 0
      ? []
      : [
          `\`links\` of ${service} (${placeIn(documents, ["services", service, "links"])}) has no effect on released containers: others are found by their service's name.`,
        ]),
    ...(mapOf(written["logging"])["driver"] !== undefined && !READABLE.test(textOf(mapOf(written["logging"])["driver"]))
      ? [
          `The logs of ${service} go to ${textOf(mapOf(written["logging"])["driver"])}, so Tidegate can show no lines of them.`,
        ]
      : []),
  ];
}

const READABLE = /^(?:json-file|local|journald)$/;
