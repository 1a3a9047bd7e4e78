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
      ...aboutOthers(
        name,
        all.filter((service) => !released.includes(service)),
        waitedFor,
        released.length > 0,
      ),
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

/** What is not released, and what becomes of it. */
function aboutOthers(
  file: string,
  all: readonly ComposeService[],
  waitedFor: ReadonlySet<string>,
  isReleasing: boolean,
): readonly string[] {
  const say = (services: readonly ComposeService[], one: string, several: string): readonly string[] => {
    const names = services.map(({ name }) => name).join(", ");
    return services.length === 0 ? [] : [`${names} of ${file} ${services.length === 1 ? one : several}`];
  };
  if (!isReleasing) {
    const stay = "stay with compose: Tidegate releases the app's own processes.";
    return say(all, stay, stay);
  }
  const isTask = ({ name }: ComposeService): boolean => waitedFor.has(name);
  const isInProfile = (service: ComposeService): boolean => !isTask(service) && service.hasProfile;
  return [
    ...say(
      all.filter((service) => !isTask(service) && !isInProfile(service)),
      "is shared by all versions, and is left as it is.",
      "are shared by all versions, and are left as they are.",
    ),
    ...say(
      all.filter(isTask),
      "runs once for each version, to its end, before what waits for it.",
      "run once for each version, to their end, before what waits for them.",
    ),
    ...say(
      all.filter(isInProfile),
      "is in a profile and left alone: name it under `services` if each version is to have its own.",
      "are in profiles and left alone: name those under `services` of which each version is to have its own.",
    ),
  ];
}

interface ComposeService {
  readonly name: string;
  readonly hasProfile: boolean;
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
    hasProfile: map["profiles"] !== undefined,
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

/** `8080:3000`, `127.0.0.1:8080-8081:3000/tcp`, `${PORT:-8080}:3000`, `{ target: 3000, published: 8080 }`. 0: not known. */
function portOf(written: unknown): { readonly target: number; readonly published: number } {
  if (typeof written === "object" && written !== null) {
    const { target, published } = written as { target?: unknown; published?: unknown };
    return { target: firstOf(target), published: firstOf(published) };
  }
  const [ports = "", protocol = "tcp"] = withDefaults(String(written)).split("/");
  if (protocol !== "tcp") return { target: 0, published: 0 };
  const [target = "", published = ""] = ports.split(":").toReversed();
  return { target: firstOf(target), published: firstOf(published) };
}

/** What compose fills in where nobody says otherwise. */
function withDefaults(text: string): string {
  return text.replaceAll(/\$\{\w+(?::?-([^}]*))?[^}]*\}|\$\w+/g, (_, value: string | undefined) => value ?? "");
}

/** The first port of a range. */
function firstOf(range: unknown): number {
  return Number(/^(\d+)(?:-\d+)?$/.exec(typeof range === "number" ? String(range) : words(range))?.[1] ?? 0);
}

function mapOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : {};
}
