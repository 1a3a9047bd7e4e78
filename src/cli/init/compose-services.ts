import { parse as parseYaml } from "yaml";
import { isDataImage, isFrontImage } from "../../core/plan/data-image.ts";
import type { Folder } from "./facts.ts";
import { type Found, slug, words } from "./services.ts";

/** As compose looks for it. */
const NAMES = ["compose.yaml", "compose.yml", "docker-compose.yml", "docker-compose.yaml"] as const;

/**
 * The compose file's services, told apart by a rule: the app's own are released; what keeps data, stands in front, runs
 * once to its end or is in a profile stays single.
 */
export function fromCompose(folder: Folder): Found | undefined {
  const name = NAMES.find((file) => folder.has(file));
  const text = name === undefined ? undefined : folder.read(name);
  if (name === undefined || text === undefined) return undefined;
  const all = servicesIn(text);
  const waitedFor = new Set(all.flatMap(({ tasks }) => tasks));
  const released = all.filter((service) => service.isOwn && !waitedFor.has(service.name));
  const others = all.filter((service) => !released.includes(service)).map((service) => service.name);
  const routed = released.find(({ ports }) => ports.length > 0);
  const [first] = routed?.ports ?? [];
  return {
    from: name,
    services: released.map((service) => ({
      name: slug(service.name),
      run: service.run === "" ? null : service.run,
      isRouted: service === routed,
      compose: {
        service: service.name,
        // Of several the first is a guess, which a person is to see.
        ...(service === routed && service.ports.length > 1 && first !== undefined ? { port: first } : {}),
      },
    })),
    notes: [
      ...(released.length === 0
        ? []
        : [
            `${released.map((service) => service.name).join(", ")} of ${name} run once for each version; the file stays as it is.`,
          ]),
      ...(others.length === 0
        ? []
        : released.length === 0
          ? [`${others.join(", ")} of ${name} stay with compose: Tidegate releases the app's own processes.`]
          : [
              `${others.join(", ")} of ${name} ${others.length === 1 ? "is" : "are"} shared by all versions, and ${others.length === 1 ? "is" : "are"} left as ${others.length === 1 ? "it is" : "they are"}.`,
            ]),
      ...((routed?.ports.length ?? 0) > 1
        ? [`${routed?.name} has several ports; that it takes requests on ${first} is a guess: \`port\`.`]
        : []),
      ...(routed?.published === undefined
        ? []
        : [
            `If ${routed.name} runs already, the first release takes it over: tidegate release --adopt 127.0.0.1:${routed.published}`,
          ]),
    ],
    ...(first === undefined ? {} : { port: first }),
    ...(routed?.health === undefined ? {} : { health: routed.health }),
  };
}

interface ComposeService {
  readonly name: string;
  readonly isOwn: boolean;
  readonly run: string;
  /** Inside the container. */
  readonly ports: readonly number[];
  /** On the machine. */
  readonly published?: number;
  readonly health?: string;
  /** What it waits for until that has completed. */
  readonly tasks: readonly string[];
}

function servicesIn(text: string): readonly ComposeService[] {
  let document: unknown;
  try {
    document = parseYaml(text, { merge: true, logLevel: "silent" });
  } catch {
    return [];
  }
  return Object.entries(mapOf(mapOf(document)["services"])).map(([name, value]) => serviceOf(name, mapOf(value)));
}

function serviceOf(name: string, map: Readonly<Record<string, unknown>>): ComposeService {
  const test = JSON.stringify(mapOf(map["healthcheck"])["test"] ?? "");
  const health = /https?:\/\/[^/\s"']+(\/[\w/.-]+)/.exec(test)?.[1];
  const image = typeof map["image"] === "string" ? map["image"] : "";
  const written = (Array.isArray(map["ports"]) ? map["ports"] : []).map(portOf).filter(({ target }) => target > 0);
  const published = written.find((port) => port.published > 0)?.published;
  const isBuilt = map["build"] !== undefined;
  const isShared = isDataImage(image) || isFrontImage(image) || map["profiles"] !== undefined;
  return {
    name,
    isOwn: isBuilt ? map["profiles"] === undefined : image !== "" && !isShared && !keepsData(map["volumes"]),
    run: words(map["command"]),
    ports: written.map(({ target }) => target),
    ...(published === undefined ? {} : { published }),
    ...(health === undefined ? {} : { health }),
    tasks: Object.entries(mapOf(map["depends_on"])).flatMap(([other, how]) =>
      mapOf(how)["condition"] === "service_completed_successfully" ? [other] : [],
    ),
  };
}

/** A named volume that it may write. */
function keepsData(volumes: unknown): boolean {
  return (
    Array.isArray(volumes) &&
    volumes.some((each) => typeof each === "string" && /^[A-Za-z0-9][\w.-]*:/.test(each) && !each.endsWith(":ro"))
  );
}

/** `8080:3000`, `127.0.0.1:8080:3000/tcp`, `{ target: 3000, published: 8080 }`. */
function portOf(written: unknown): { readonly target: number; readonly published: number } {
  if (typeof written === "object" && written !== null) {
    const { target, published } = written as { target?: unknown; published?: unknown };
    return { target: Number(target), published: Number(published ?? 0) };
  }
  const [, published = "0", target = "0"] = /^(?:(?:[\d.]+:)?(\d+)?:)?(\d+)(?:\/tcp)?$/.exec(String(written)) ?? [];
  return { target: Number(target), published: Number(published) };
}

function mapOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : {};
}
