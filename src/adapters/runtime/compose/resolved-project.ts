import { FaultError } from "../../../core/fault.ts";
import { parse } from "yaml";
import { listOf, mapOf, textOf } from "./written-values.ts";

/** A compose project as `config` prints it: everything merged, filled in, with absolute paths. */
export interface ResolvedProject {
  /** The user's project: its databases, networks and volumes belong to it. */
  readonly name: string;
  readonly services: Readonly<Record<string, ResolvedService>>;
  readonly networks: Readonly<Record<string, Plain>>;
  readonly volumes: Readonly<Record<string, Plain>>;
  readonly secrets: Readonly<Record<string, Plain>>;
  readonly configs: Readonly<Record<string, Plain>>;
}

export type Plain = Readonly<Record<string, unknown>>;
/** With compose's own keys; what Tidegate need not know is passed on as it is. */
export type ResolvedService = Plain;

export interface Mount {
  readonly kind: "volume" | "bind" | "tmpfs" | "other";
  /** The volume's key or the path; absent for an anonymous volume. */
  readonly source?: string;
  readonly target: string;
  readonly isReadOnly: boolean;
}

export interface Port {
  readonly target: number;
  readonly protocol: "tcp" | "udp" | "sctp";
  /** On the machine; absent: any. */
  readonly published?: number;
}

/** Reads what `config` printed, YAML or JSON. Faults: compose-file-invalid. */
export function parseResolved(output: string, name: string): ResolvedProject {
  const document = mapOf(parse(output, { maxAliasCount: 10_000 }));
  if (document["services"] === undefined) {
    throw new FaultError({
      code: "compose-file-invalid",
      what: "The compose file has no services.",
      fix: "name them under `services:`",
    });
  }
  const part = (key: string): Readonly<Record<string, Plain>> =>
    Object.fromEntries(Object.entries(mapOf(document[key])).map(([each, value]) => [each, mapOf(value)]));
  return {
    name,
    services: part("services"),
    networks: part("networks"),
    volumes: part("volumes"),
    secrets: part("secrets"),
    configs: part("configs"),
  };
}

/** The volumes and folders of a service, in the short and the long form. */
export function mountsOf(service: ResolvedService): readonly Mount[] {
  return listOf(service["volumes"]).map((entry) =>
    typeof entry === "string" ? shortMount(entry) : longMount(mapOf(entry)),
  );
}

function shortMount(text: string): Mount {
  const parts = text.split(":");
  if (parts.length === 1) return { kind: "volume", target: text, isReadOnly: false };
  const [source = "", target = "", mode = ""] = parts;
  const kind = /^[./~]/.test(source) ? "bind" : "volume";
  return { kind, source, target, isReadOnly: mode.split(",").includes("ro") };
}

function longMount(entry: Plain): Mount {
  const kind = entry["type"];
  const source = entry["source"];
  return {
    kind: kind === "bind" || kind === "volume" || kind === "tmpfs" ? kind : "other",
    ...(typeof source === "string" && source !== "" ? { source } : {}),
    target: textOf(entry["target"]),
    isReadOnly: entry["read_only"] === true,
  };
}

/** Published ports, in the short and the long form; ranges one by one. */
export function portsOf(service: ResolvedService): readonly Port[] {
  return listOf(service["ports"]).flatMap((entry) => {
    if (typeof entry === "string" || typeof entry === "number") return shortPorts(String(entry));
    const long = mapOf(entry);
    const published = Number(textOf(long["published"]).split("-")[0]);
    return [
      {
        target: Number(long["target"]),
        protocol: protocolOf(long["protocol"]),
        ...(published > 0 ? { published } : {}),
      },
    ];
  });
}

function shortPorts(text: string): readonly Port[] {
  const [ports = "", protocol] = text.split("/");
  const parts = ports.split(":");
  const targets = range(parts.at(-1) ?? "");
  const published = parts.length > 1 ? range(parts.at(-2) ?? "") : [];
  return targets.map((target, index) => {
    const mine = published[index] ?? published[0];
    return { target, protocol: protocolOf(protocol), ...(mine === undefined ? {} : { published: mine }) };
  });
}

function range(text: string): readonly number[] {
  if (!/^\d+(?:-\d+)?$/.test(text)) return [];
  const [first = Number.NaN, last = first] = text.split("-").map(Number);
  if (last - first > 1_000) return [];
  return Array.from({ length: last - first + 1 }, (_, index) => first + index);
}

function protocolOf(value: unknown): Port["protocol"] {
  return value === "udp" || value === "sctp" ? value : "tcp";
}

/** TCP ports that a service names, published or only exposed. */
export function containerPorts(service: ResolvedService): readonly number[] {
  const published = portsOf(service)
    .filter(({ protocol }) => protocol === "tcp")
    .map(({ target }) => target);
  if (published.length > 0) return [...new Set(published)];
  const exposed = listOf(service["expose"]).flatMap((each) => {
    const [port = "", protocol = "tcp"] = textOf(each).split("/");
    return protocol === "tcp" ? range(port) : [];
  });
  return [...new Set(exposed)];
}

/** The networks of a service with what it says of each; without any it is in the project's default one. */
export function networksOf(service: ResolvedService): Readonly<Record<string, Plain>> {
  const networks = service["networks"];
  if (Array.isArray(networks)) return Object.fromEntries(networks.map((name) => [textOf(name), {}]));
  const named = Object.entries(mapOf(networks)).map(([name, value]) => [name, mapOf(value)] as const);
  return named.length === 0 ? { default: {} } : Object.fromEntries(named);
}

/** What others call a service. */
export function namesOf(name: string, service: ResolvedService): readonly string[] {
  const aliases = Object.values(networksOf(service)).flatMap((each) => listOf(each["aliases"]).map(textOf));
  const names = [name, service["container_name"], ...aliases].filter((each) => typeof each === "string");
  return [...new Set(names)];
}

/** `started`, `healthy` or `completed`: what a service waits for, by the other's name. */
export function dependenciesOf(service: ResolvedService): ReadonlyMap<string, "started" | "healthy" | "completed"> {
  const written = service["depends_on"];
  if (Array.isArray(written)) return new Map(written.map((name) => [textOf(name), "started"]));
  return new Map(
    Object.entries(mapOf(written)).map(([name, value]) => {
      const condition = textOf(mapOf(value)["condition"]);
      return [
        name,
        condition.endsWith("healthy") ? "healthy" : condition.endsWith("successfully") ? "completed" : "started",
      ];
    }),
  );
}

/** What the engine calls a network or volume of the project. */
export function nameOnEngine(project: ResolvedProject, kind: "networks" | "volumes", key: string): string {
  const entry = project[kind][key] ?? {};
  const external = entry["external"];
  const inExternal = mapOf(external)["name"];
  const name = entry["name"] ?? inExternal;
  if (typeof name === "string") return name;
  return external === true ? key : `${project.name}_${key}`;
}

export function isExternal(entry: Plain | undefined): boolean {
  const external = entry?.["external"];
  return external === true || (typeof external === "object" && external !== null);
}
