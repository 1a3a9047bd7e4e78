import { nearest } from "../../core/text/nearest.ts";
import { at, type Located, placeOf } from "../reading/located.ts";
import { readYaml } from "../reading/yaml.ts";
import type { PlanConfig } from "../schema/plan-file.ts";
import type { CompileContext, Told } from "./context.ts";

/** What a compose file says of a service in plain figures; what it takes from the environment is not known here. */
export interface InComposeFile {
  readonly replicas?: number;
  readonly stopMs?: number;
}

/** As compose looks for it: the first that is there. */
const NAMES = ["compose.yaml", "compose.yml", "docker-compose.yml", "docker-compose.yaml"] as const;

/** The compose files that a plan needs read; by default all the names that compose would look for. */
export function composeFilesOf(config: PlanConfig): readonly string[] {
  if (!Object.values(config.services).some(({ compose }) => compose !== undefined)) return [];
  return config.compose?.file ?? NAMES;
}

/**
 * Reads the compose files that lie beside the plan file, as far as that can be done without compose: mistakes of
 * spelling are told here, with their place. null where no service needs them or they can't be read.
 */
export function readComposeFiles(
  config: PlanConfig,
  context: CompileContext,
  told: Told,
): { service(name: string | undefined): InComposeFile } | null {
  const documents = documentsOf(config, context, told);
  if (documents === null) return null;
  // Services of an included file are not seen here.
  const isWhole = documents.every((each) => at(each, ["include"]) === undefined);
  const names = documents.flatMap((each) => keysOf(at(each, ["services"])));
  for (const [name, { compose }] of Object.entries(config.services)) {
    if (compose === undefined) continue;
    if (isWhole && !names.includes(compose)) tellUnknown(name, compose, names, told);
    for (const document of documents) tellHostNetwork(compose, document, told);
  }
  return { service: (name) => (name === undefined ? {} : factsOf(name, documents)) };
}

function documentsOf(config: PlanConfig, { files }: CompileContext, told: Told): readonly Located[] | null {
  const wanted = composeFilesOf(config);
  if (wanted.length === 0) return null;
  const isNamed = config.compose?.file !== undefined;
  const [service = ""] = Object.entries(config.services).find(([, { compose }]) => compose !== undefined) ?? [];
  const read: Located[] = [];
  for (const [index, name] of wanted.entries()) {
    const file = files.get(name);
    if (file?.kind === "read") {
      const { located, problems } = readYaml(file.source);
      told.files.push(...problems.filter(({ code }) => code === "plan-file-syntax"));
      if (located === undefined) return null;
      read.push(located);
      if (!isNamed) break;
    } else if (isNamed) {
      const near = file?.kind === "missing" ? file.near : undefined;
      told.plan.push({
        code: "plan-file-not-found",
        what: `The compose file \`${name}\` ${file?.kind === "unreadable" ? `can't be read: ${file.cause}.` : "does not exist"}${near === undefined ? "." : `; did you mean \`${near}\`?`}`,
        fix: "Paths are meant from the plan file's folder.",
        path: ["compose", "file", ...(wanted.length > 1 ? [index] : [])],
        on: "value",
      });
      return null;
    }
  }
  if (read.length > 0) return read;
  told.plan.push({
    code: "plan-file-not-found",
    what: "There is no compose file beside the plan file.",
    fix: `Name it: \`compose: { file: deploy/compose.yaml }\`. Compose itself looks for ${NAMES[0]}, ${NAMES[1]}, ${NAMES[2]} and ${NAMES[3]}.`,
    path: ["services", service, "compose"],
    on: "value",
  });
  return null;
}

function tellUnknown(name: string, compose: string, names: readonly string[], told: Told): void {
  const near = nearest(compose, names);
  told.plan.push({
    code: "plan-name-unknown",
    what: `The compose file has no service \`${compose}\`${near === undefined ? "." : `; did you mean \`${near}\`?`}`,
    ...(names.length === 0 ? {} : { fix: `It has ${names.map((each) => `\`${each}\``).join(", ")}.` }),
    path: ["services", name, "compose"],
    on: "value",
  });
}

/** Two versions of it can't listen on the same ports of one machine. */
function tellHostNetwork(compose: string, document: Located, told: Told): void {
  const path = ["services", compose, "network_mode"];
  const mode = at(document, path);
  if (mode?.kind !== "scalar" || mode.value !== "host") return;
  told.files.push({
    code: "plan-value-invalid",
    what: `\`${compose}\` is on the host's own network, where two versions of it can't listen on one port.`,
    fix: "Remove `network_mode: host`: Tidegate reaches a container by its own address. Else run it with `run:`.",
    place: placeOf(document, path, "value"),
    key: path.join("."),
  });
}

function factsOf(name: string, documents: readonly Located[]): InComposeFile {
  const last = (path: readonly string[]): unknown => {
    const found = documents.map((each) => at(each, ["services", name, ...path])).findLast((each) => each !== undefined);
    return found?.kind === "scalar" ? found.value : undefined;
  };
  const replicas = last(["deploy", "replicas"]) ?? last(["scale"]);
  const stopMs = composeDuration(last(["stop_grace_period"]));
  return {
    ...(typeof replicas === "number" && Number.isInteger(replicas) && replicas >= 1 ? { replicas } : {}),
    ...(stopMs === null ? {} : { stopMs }),
  };
}

const UNITS: Readonly<Record<string, number>> = { us: 0.001, ms: 1, s: 1_000, m: 60_000, h: 3_600_000 };

/** `1m30s`, as compose writes durations; milliseconds, or null for what is none. */
function composeDuration(written: unknown): number | null {
  if (typeof written !== "string" || !/^(?:\d+(?:\.\d+)?(?:us|ms|s|m|h))+$/.test(written)) return null;
  const parts = [...written.matchAll(/(\d+(?:\.\d+)?)(us|ms|s|m|h)/g)];
  return Math.round(parts.reduce((sum, [, count, unit]) => sum + Number(count) * (UNITS[unit ?? ""] ?? 0), 0));
}

function keysOf(located: Located | undefined): readonly string[] {
  return located?.kind === "map" ? [...located.entries.keys()] : [];
}
