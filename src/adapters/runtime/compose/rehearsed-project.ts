import type { RehearsedProject } from "../../../core/plan/compose.ts";
import { leadVariable } from "../../../core/rehearsal/database-lead.ts";
import { fillReferences } from "../../../core/text/references.ts";
import { ownMount } from "./rehearsed-mounts.ts";
import { containerPorts, mountsOf, networksOf, type Plain, type ResolvedProject } from "./resolved-project.ts";
import { type SharedPart, sharedPart } from "./shared-part.ts";
import { environmentOf, escaped } from "./service-environment.ts";
import { usedFiles, type VersionPlace } from "./version-files.ts";
import { listOf, mapOf, textOf } from "./written-values.ts";

type Values = Readonly<Record<string, string>>;

export interface RehearsedOrder extends VersionPlace {
  readonly rehearsal: RehearsedProject;
  /** Of Tidegate: what `${NAME}` means in the rehearsal's own values. */
  readonly values: Values;
}

/**
 * The project as it is brought up once more for a rehearsal. Its networks and volumes are its own and begin empty, whatever the file calls
 * them and whoever else makes them; nobody finds its containers by labels, names or published ports; what led to the app's database leads
 * to the copy. Services that nothing released needs are not in it.
 */
export function rehearsedProject(project: ResolvedProject, order: RehearsedOrder): ResolvedProject {
  const names = servicesIn(project, order.rehearsal);
  const services = Object.fromEntries(
    names.map((name) => [name, rehearsedService(name, project.services[name] ?? {}, names, order)]),
  );
  const used = Object.values(services);
  return {
    ...project,
    services,
    networks: Object.fromEntries(
      used.flatMap((service) =>
        Object.keys(networksOf(service)).map((key) => [key, ownNetwork(project.networks[key] ?? {})]),
      ),
    ),
    volumes: Object.fromEntries(
      used.flatMap((service) =>
        mountsOf(service).flatMap(({ kind, source }) =>
          kind === "volume" && source !== undefined ? [[source, {}]] : [],
        ),
      ),
    ),
  };
}

/** The document of the whole project, for compose to bring up services of it that all versions share. */
export function rehearsedDocument(project: ResolvedProject, place: VersionPlace): Plain {
  const services = Object.entries(project.services);
  const files = (kind: "secrets" | "configs"): Plain =>
    Object.assign({}, ...services.map(([, service]) => usedFiles(kind, service, project, place))) as Plain;
  const document = {
    services: Object.fromEntries(
      services.map(([name, { depends_on: _order, ...service }]) => [
        name,
        service["build"] === undefined ? service : { ...service, image: `tidegate/${project.name}-${name}:shared` },
      ]),
    ),
    networks: project.networks,
    volumes: project.volumes,
    secrets: files("secrets"),
    configs: files("configs"),
  };
  return Object.fromEntries(Object.entries(document).filter(([, part]) => Object.keys(part).length > 0));
}

/** What is released, and what that needs. */
export function servicesIn(project: ResolvedProject, rehearsal: RehearsedProject): readonly string[] {
  const { others, tasks } = neededIn(project, rehearsal);
  const all = new Set([...rehearsal.services, ...others, ...tasks]);
  return [...all].filter((name) => project.services[name] !== undefined);
}

export function neededIn(project: ResolvedProject, { services, without }: RehearsedProject): SharedPart {
  const there = Object.entries(project.services).filter(([name]) => !without.includes(name));
  return sharedPart({ ...project, services: Object.fromEntries(there) }, services);
}

/** What a service has in its environment, as far as it is text. */
export function variablesOf({ services }: ResolvedProject, name: string): readonly (readonly [string, string])[] {
  return Object.entries(environmentOf(services[name] ?? {})).flatMap(([key, value]) =>
    typeof value === "string" ? [[key, value] as const] : [],
  );
}

/**
 * Keys that lead out of the rehearsal: to other containers, to whoever looks for labels, to where production's logs go. Fetching an image
 * anew changes what its tag means to production.
 */
const LEADS_OUT = [
  "container_name",
  "env_file",
  "external_links",
  "labels",
  "logging",
  "ports",
  "profiles",
  "pull_policy",
];

function rehearsedService(name: string, service: Plain, names: readonly string[], order: RehearsedOrder): Plain {
  const staysInside = (key: string): boolean =>
    !LEADS_OUT.includes(key) || (key === "pull_policy" && service[key] === "never");
  const kept = Object.fromEntries(Object.entries(service).filter(([key]) => staysInside(key)));
  const ports = containerPorts(service);
  const { server } = order.rehearsal;
  const isServer = server?.service === name;
  const { labels: _labels, ...deploy } = mapOf(service["deploy"]);
  return {
    ...kept,
    environment: rehearsedEnvironment(service, isServer, order),
    ...(service["network_mode"] === undefined ? { networks: ownNetworksOf(service) } : {}),
    ...(service["volumes"] === undefined
      ? {}
      : {
          volumes: listOf(service["volumes"]).map((entry, index) => ownMount(entry, mountsOf(service)[index], order)),
        }),
    ...(service["depends_on"] === undefined ? {} : { depends_on: dependenciesWithin(service, names) }),
    ...(service["deploy"] === undefined ? {} : { deploy }),
    // Where it takes requests is known by what it would publish.
    ...(ports.length === 0 ? {} : { expose: ports.map(String) }),
    ...(isServer ? { ports: [`${server.publish.host}:${server.publish.port}:${server.port}`] } : {}),
  };
}

function rehearsedEnvironment(service: Plain, isServer: boolean, { rehearsal, values }: RehearsedOrder): Plain {
  const filled = (own: Values): Values =>
    escaped(Object.fromEntries(Object.entries(own).map(([name, text]) => [name, fillReferences(text, values)])));
  const { server } = rehearsal;
  const own = { ...filled(rehearsal.env), ...(isServer && server !== undefined ? filled(server.env) : {}) };
  const written = Object.entries(environmentOf(service)).filter(
    ([name]) => !Object.hasOwn(own, name.replace(/_FILE$/, "")),
  );
  return {
    ...Object.fromEntries(written.map(([name, value]) => [name, isServer ? value : ledValue(name, value, rehearsal)])),
    ...own,
  };
}

function ledValue(name: string, value: unknown, { database }: RehearsedProject): unknown {
  if (database === undefined || typeof value !== "string") return value;
  return leadVariable(name, value, database) ?? value;
}

function dependenciesWithin(service: Plain, names: readonly string[]): unknown {
  const written = service["depends_on"];
  if (Array.isArray(written)) return written.filter((name) => names.includes(textOf(name)));
  return Object.fromEntries(Object.entries(mapOf(written)).filter(([name]) => names.includes(name)));
}

function ownNetwork({ internal }: Plain): Plain {
  return internal === true ? { internal } : {};
}

/** Without addresses of its own, which are of another network; with the name that `container_name` gave it. */
function ownNetworksOf(service: Plain): Plain {
  const name = service["container_name"];
  return Object.fromEntries(
    Object.entries(networksOf(service)).map(([key, { aliases }]) => {
      const all = [...listOf(aliases), ...(typeof name === "string" ? [name] : [])];
      return [key, all.length === 0 ? {} : { aliases: all }];
    }),
  );
}
