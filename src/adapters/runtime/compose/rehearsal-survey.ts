import type { ComposeProject, RehearsedProject } from "../../../core/plan/compose.ts";
import { isOfKind, type Service } from "../../../core/plan/service.ts";
import { leadsOutOf } from "../../../core/rehearsal/leads-out-of.ts";
import type { LeftOut } from "../../../core/rehearsal/rehearsal.ts";
import type { ProjectToRehearse } from "../../../ports/project-to-rehearse.ts";
import { findCompose } from "./compose-tool.ts";
import { type ProjectsDatabase, projectsDatabase } from "./database-service.ts";
import { dockerAddress } from "./docker-address.ts";
import { withNamedServices } from "./named-services.ts";
import { mustStayInside } from "./reaching-out.ts";
import { mustBeReleasable } from "./refusals.ts";
import { foldersStoodInFor } from "./rehearsed-mounts.ts";
import { neededIn, servicesIn, variablesOf } from "./rehearsed-project.ts";
import { isExternal, mountsOf, namesOf, networksOf } from "./resolved-project.ts";
import { readUserProject, type UserProject } from "./user-project.ts";

export interface RehearsalSurveySettings {
  /** Those that are started. */
  readonly services: readonly Service[];
  readonly project: ComposeProject;
  /** Those that a release would start, as the compose file calls them. */
  readonly without: readonly string[];
  /** Over what each container gets. */
  readonly own: Readonly<Record<string, string>>;
  readonly planFolder: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Of the app's database, filled in. null: the plan names none. */
  readonly databaseUrl: string | null;
}

/**
 * What a rehearsal would find of the project as it lies beside the plan file. Changes nothing. Faults: rehearsal-not-possible,
 * compose-not-releasable, and those of a project that can't be read.
 */
export async function surveyForRehearsal(settings: RehearsalSurveySettings): Promise<ProjectToRehearse> {
  const { project: chosen, planFolder, env, databaseUrl, without, own } = settings;
  const released = settings.services.filter(isOfKind("compose"));
  const address = dockerAddress(chosen, env);
  const place = { settings: chosen, address, planFolder, versionFolder: planFolder, version: "VERSION", env };
  const read = await readUserProject(place, await findCompose(env));
  for (const service of released) mustBeReleasable(read, service);
  const project = { ...read, resolved: withNamedServices(read.resolved) };
  const rehearsal: RehearsedProject = { services: released.map(({ runtime }) => runtime.service), without, env: own };
  mustStayInside(project, rehearsal, project.files);
  const services = servicesIn(project.resolved, rehearsal);
  const database = databaseUrl === null ? null : projectsDatabase(project, services, rehearsal.services, databaseUrl);
  const names = services.flatMap((name) => namesOf(name, project.resolved.services[name] ?? {}));
  return {
    names,
    database: database?.server == null ? null : { ...database.server, host: chosen.publish ?? "127.0.0.1" },
    isLed: database?.isLed === true,
    shared: services.flatMap((name) => leadingOut(project, name, names, rehearsal, database)),
    leftOut: leftOutOf(project, rehearsal, services, database?.server?.service ?? null),
  };
}

/** Addresses of others that a service has in its environment. */
function leadingOut(
  { resolved }: UserProject,
  name: string,
  names: readonly string[],
  { env: own }: RehearsedProject,
  database: ProjectsDatabase | null,
): readonly string[] {
  return variablesOf(resolved, name).flatMap(([key, value]) => {
    const isLed = Object.hasOwn(own, key) || database?.leads(key, value) === true;
    return isLed || !leadsOutOf(names, value) ? [] : [`${key} of ${name}`];
  });
}

function leftOutOf(
  { resolved, files }: UserProject,
  rehearsal: RehearsedProject,
  services: readonly string[],
  server: string | null,
): readonly LeftOut[] {
  const named = (names: readonly string[]): readonly (readonly [string, Readonly<Record<string, unknown>>])[] =>
    names.map((name) => [name, resolved.services[name] ?? {}]);
  const others = neededIn(resolved, rehearsal).others.filter((name) => name !== server);
  const own = named(rehearsal.services);
  const volumes = own.flatMap(([, service]) =>
    mountsOf(service).flatMap(({ kind, source }) => (kind === "volume" && source !== undefined ? [source] : [])),
  );
  const folders = own
    .flatMap(([, service]) => foldersStoodInFor(service, files))
    .map((path) => (path.startsWith(files.usersDirectory) ? `.${path.slice(files.usersDirectory.length)}` : path));
  const networks = named(services).flatMap(([, service]) =>
    Object.keys(networksOf(service)).filter((key) => isExternal(resolved.networks[key])),
  );
  const told = (what: string, names: readonly string[], why: string): readonly LeftOut[] =>
    [...new Set(names)].map((name) => ({ what: `${what} ${name}`, why }));
  return [
    ...told("what is in", others, "the rehearsal has one of its own, which begins empty"),
    ...told("what is in the volume", volumes, "the rehearsal has one of its own, which begins empty"),
    ...told("what git does not have of", folders, "a rehearsal does not write there"),
    ...told("who else is in the network", networks, "the rehearsal has one of its own in its place"),
  ];
}
