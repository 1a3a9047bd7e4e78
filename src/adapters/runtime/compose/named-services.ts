import { dependenciesOf, namesOf, type Plain, type ResolvedProject } from "./resolved-project.ts";
import { environmentOf } from "./service-environment.ts";
import { mapOf } from "./written-values.ts";

/**
 * The project with each service that another's environment names written down as what that depends on: in a network of its own a name leads
 * to nobody who was not brought up with it.
 */
export function withNamedServices(project: ResolvedProject): ResolvedProject {
  const names = Object.keys(project.services);
  const services = Object.entries(project.services).map(([name, service]) => {
    const known = dependenciesOf(service);
    const others = names.filter((each) => each !== name && !known.has(each));
    const more = others.filter((each) => isNamedBy(service, namesOf(each, project.services[each] ?? {})));
    return [name, more.length === 0 ? service : { ...service, depends_on: dependsOn(service, more) }] as const;
  });
  return { ...project, services: Object.fromEntries(services) };
}

/** `redis://redis:6379`, `kafka1:9092,kafka2:9092`, or the bare name in a variable like `REDIS_HOST`. */
function isNamedBy(service: Plain, names: readonly string[]): boolean {
  return Object.entries(environmentOf(service)).some(([key, value]) => {
    if (typeof value !== "string") return false;
    const parts = value.split(",").map((part) => part.trim().replace(/^[a-z][a-z0-9+.:-]*:\/\/(?:[^/?#]*@)?/i, "//"));
    return parts.some((part) => {
      const host = /^(?:\/\/)?([^/?#:]+)/.exec(part)?.[1] ?? "";
      const isAddress = part.startsWith("//") || /^[^/?#:]+:\d+$/.test(part);
      return names.includes(host) && (isAddress || /(?:HOST|HOSTNAME|SERVER|ADDRESS|ADDR)S?$/i.test(key));
    });
  });
}

function dependsOn(service: Plain, more: readonly string[]): unknown {
  const written = service["depends_on"];
  if (Array.isArray(written)) return [...(written as readonly unknown[]), ...more];
  return { ...mapOf(written), ...Object.fromEntries(more.map((name) => [name, { condition: "service_started" }])) };
}
