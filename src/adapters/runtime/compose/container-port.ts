import { FaultError } from "../../../core/fault.ts";
import type { ServiceOf } from "../../../core/plan/service.ts";
import { placeIn } from "./compose-document.ts";
import type { PreparedImage } from "./prepared-images.ts";
import { containerPorts } from "./resolved-project.ts";
import type { ReadProject } from "./user-project.ts";

/** Where a container of the service takes requests. Faults: compose-port-unknown. */
export function portOf(
  project: ReadProject,
  service: ServiceOf<"compose">,
  image: Pick<PreparedImage, "port">,
): number {
  const { port, service: name } = service.runtime;
  if (port !== undefined) return port;
  const named = containerPorts(project.resolved.services[name] ?? {});
  const [only] = named;
  if (named.length === 1 && only !== undefined) return only;
  if (named.length === 0 && image.port !== undefined) return image.port;
  throw new FaultError({
    code: "compose-port-unknown",
    what:
      named.length === 0
        ? `Nothing says on which port ${name} takes requests: neither the compose file nor its image names one.`
        : `${name} names several ports (${named.join(", ")}), and nothing says which of them takes requests.`,
    where: placeIn(project.files.documents, ["services", name, "ports"]),
    fix: `say it in the plan file, under ${service.name}: \`port: ${named[0] ?? 3000}\``,
  });
}

interface NamesPorts {
  readonly Config?: { readonly ExposedPorts?: Readonly<Record<string, unknown>> | null } | null | undefined;
}

/** The only port that an image names, or a container. */
export function portNamedBy({ Config }: NamesPorts): Pick<PreparedImage, "port"> {
  const ports = Object.keys(Config?.ExposedPorts ?? {}).filter((each) => each.endsWith("/tcp"));
  return ports.length === 1 ? { port: Number.parseInt(ports[0] ?? "", 10) } : {};
}
