import { readFileSync } from "node:fs";
import { isIP } from "node:net";
import { FaultError } from "../../../core/fault.ts";
import { databaseIn, leadVariable, serverNamed } from "../../../core/rehearsal/database-lead.ts";
import { placeIn } from "./compose-document.ts";
import { variablesOf } from "./rehearsed-project.ts";
import { namesOf, portsOf } from "./resolved-project.ts";
import { usedFiles } from "./version-files.ts";
import type { UserProject } from "./user-project.ts";
import { mapOf } from "./written-values.ts";

/** How containers get to the app's database. */
export interface ProjectsDatabase {
  /** The service that it is, and where that listens in its container; null: it is none of the project's. */
  readonly server: { readonly service: string; readonly port: number } | null;
  readonly isLed: boolean;
  leads(variable: string, value: string): boolean;
}

const USUAL_PORT = 5_432;

/** `url`: of the app's database, filled in. Faults: rehearsal-not-possible. */
export function projectsDatabase(
  project: UserProject,
  services: readonly string[],
  released: readonly string[],
  url: string,
): ProjectsDatabase {
  const name = databaseIn(url);
  const leads = (variable: string, value: string): boolean =>
    name !== null && leadVariable(variable, value, { name, copy: name }) !== null;
  const server = serverIn(project, services, released, url, leads);
  const names = services.flatMap((each) => namesOf(each, project.resolved.services[each] ?? {}));
  const isThere = (host: string): boolean => names.includes(host);
  for (const service of services) mustNotBeInFiles(project, service, leads, isThere);
  if (server === null) for (const service of services) mustBeFound(project, service, leads, isThere);
  return {
    server,
    isLed: services.some((each) => variablesOf(project.resolved, each).some(([key, value]) => leads(key, value))),
    leads,
  };
}

/** It publishes the port of the database's address, or who is released is sent there by its name. */
function serverIn(
  { resolved }: UserProject,
  services: readonly string[],
  released: readonly string[],
  url: string,
  leads: ProjectsDatabase["leads"],
): ProjectsDatabase["server"] {
  const isElsewhere = (name: string, host: string): boolean =>
    host !== name && !isLoopback(host) && !host.startsWith("/");
  const isGoBetween = (name: string): boolean =>
    variablesOf(resolved, name).some(([key, value]) => isElsewhere(name, serverNamed(key, value) ?? name));
  const others = services.filter((name) => !released.includes(name) && !isGoBetween(name));
  const { host, port, isSocket } = serverOf(url);
  if (isLoopback(host) && !isSocket)
    for (const service of others) {
      const found = portsOf(resolved.services[service] ?? {}).find(({ published }) => published === port);
      if (found !== undefined) return { service, port: found.target };
    }
  const named = services.flatMap((name) =>
    variablesOf(resolved, name)
      .filter(([key, value]) => databaseIn(value) === null || leads(key, value))
      .map(([key, value]) => serverNamed(key, value)),
  );
  const service = others.find((each) =>
    namesOf(each, resolved.services[each] ?? {}).some((name) => named.includes(name) || name === host),
  );
  if (service === undefined) return null;
  return { service, port: portsOf(resolved.services[service] ?? {})[0]?.target ?? USUAL_PORT };
}

function serverOf(url: string): { readonly host: string; readonly port: number; readonly isSocket: boolean } {
  if (!URL.canParse(url)) return { host: "", port: USUAL_PORT, isSocket: true };
  const { hostname: host, port, searchParams } = new URL(url);
  return { host, port: port === "" ? USUAL_PORT : Number(port), isSocket: searchParams.has("host") };
}

function isLoopback(host: string): boolean {
  return host === "localhost" || host === "" || host === "[::1]" || host.startsWith("127.");
}

/** A name without a dot is known in a network of somebody else's alone, and a rehearsal is in none. Faults: rehearsal-not-possible. */
function mustBeFound(
  { resolved, files }: UserProject,
  service: string,
  leads: ProjectsDatabase["leads"],
  isThere: (host: string) => boolean,
): void {
  for (const [key, value] of variablesOf(resolved, service)) {
    const host = leads(key, value) ? serverNamed(key, value) : null;
    if (host === null || isThere(host) || host.includes(".") || isLoopback(host) || isIP(host) !== 0) continue;
    throw new FaultError({
      code: "rehearsal-not-possible",
      what: `${key} of ${service} leads to the database at ${host}, which is no service of the compose file: a rehearsal has networks of its own, in which nobody has that name.`,
      where: placeIn(files.documents, ["services", service, "environment"]),
      fix: "write an address that is known outside of the containers' networks",
    });
  }
}

/** An address in the file of a secret can't be led elsewhere: the file is production's. Faults: rehearsal-not-possible. */
function mustNotBeInFiles(
  { resolved, files }: UserProject,
  service: string,
  leads: ProjectsDatabase["leads"],
  isThere: (host: string) => boolean,
): void {
  for (const kind of ["secrets", "configs"] as const)
    for (const [name, entry] of Object.entries(usedFiles(kind, resolved.services[service] ?? {}, resolved, files))) {
      const text = readText(mapOf(entry)["file"]);
      if (!leads("", text) || isThere(serverNamed("", text) ?? "")) continue;
      throw new FaultError({
        code: "rehearsal-not-possible",
        what: `${name}, of which ${service} has the file, holds the address of the app's database, and a rehearsal must not lead there.`,
        where: placeIn(files.documents, [kind, name]),
        fix: "keep the password alone in that file and the rest in the environment, where it can be led to the copy",
      });
    }
}

function readText(file: unknown): string {
  try {
    return typeof file === "string" ? readFileSync(file, "utf8").trim() : "";
  } catch {
    return "";
  }
}
