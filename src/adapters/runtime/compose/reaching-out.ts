import { statSync } from "node:fs";
import { type Fault, FaultError } from "../../../core/fault.ts";
import type { RehearsedProject } from "../../../core/plan/compose.ts";
import { placeIn } from "./compose-document.ts";
import { servicesIn } from "./rehearsed-project.ts";
import { mountsOf } from "./resolved-project.ts";
import { sourceOf, type VersionPlace } from "./version-files.ts";
import type { ReadProject } from "./user-project.ts";
import { listOf, textOf } from "./written-values.ts";

/** Faults: rehearsal-not-possible, with the first thing that would reach out of a rehearsal and the rest beside it. */
export function mustStayInside(project: ReadProject, rehearsal: RehearsedProject, place: VersionPlace): void {
  const [first, ...others] = servicesIn(project.resolved, rehearsal).flatMap((name) =>
    reachingOut(project, name, place),
  );
  if (first === undefined) return;
  const detail = others.map(({ what, where }) => `${what} ${where ?? ""}`.trim());
  throw new FaultError({ ...first, ...(detail.length === 0 ? {} : { detail }) });
}

/** What a second container of a service can't have without reaching production's, or whoever else is on the machine. */
function reachingOut(
  { resolved, files: { documents } }: ReadProject,
  name: string,
  { directory, usersDirectory }: VersionPlace,
): readonly Fault[] {
  const service = resolved.services[name] ?? {};
  const fault = (key: string, what: string): Fault => ({
    code: "rehearsal-not-possible",
    what: `${name} ${what}, so that a rehearsal would not be apart from production.`,
    where: placeIn(documents, ["services", name, key]),
    fix: "rehearse on a machine of its own with the same plan; the database alone: tidegate backup --proof drill",
  });
  const mode = textOf(service["network_mode"]);
  const others = ["network_mode", "pid", "ipc"].filter((key) => textOf(service[key]).startsWith("container:"));
  const foreign = listOf(service["volumes_from"]).some((each) => textOf(each).startsWith("container:"));
  const sockets = mountsOf(service).flatMap(({ kind, source }) =>
    kind === "bind" && source !== undefined && isSocket(sourceOf(source, directory, usersDirectory)) ? [source] : [],
  );
  return [
    ...(mode === "host" ? [fault("network_mode", "is on the host's own network")] : []),
    ...others.map((key) => fault(key, `shares \`${key}\` with a container that is there already`)),
    ...(foreign ? [fault("volumes_from", "takes the volumes of a container that is there already")] : []),
    ...sockets.map((path) => fault("volumes", `has the socket ${path} of this machine`)),
  ];
}

function isSocket(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isSocket() === true || path.endsWith("/docker.sock");
}
