import { closeSync, mkdirSync, rmSync, writeSync } from "node:fs";
import { FaultError } from "../../../core/fault.ts";
import type { ServiceOf } from "../../../core/plan/service.ts";
import { withoutControls } from "../../../core/text/plain-text.ts";
import { openForAppending } from "../../../local/log-file.ts";
import type { StateFolder } from "../../../local/state-folder.ts";
import type { DockerClient } from "./docker-client.ts";
import { withVersion } from "./fill-version.ts";
import { placeIn } from "./compose-document.ts";
import { portNamedBy } from "./container-port.ts";
import type { PreparedImage, PreparedImages } from "./prepared-images.ts";
import type { UserProject } from "./user-project.ts";

export interface ImageOrder {
  readonly folder: StateFolder;
  readonly docker: DockerClient;
  readonly project: UserProject;
  readonly app: string;
  readonly environment: string;
  readonly version: string;
  readonly signal: AbortSignal;
}

interface EngineImage {
  readonly Id: string;
  readonly RepoDigests: readonly string[] | null;
  readonly Config?: { readonly ExposedPorts?: Readonly<Record<string, unknown>> } | null;
}

const BUILD_WITHIN_MS = 60 * 60_000;
const PULL_WITHIN_MS = 30 * 60_000;
const SHOWN = 15;

/** The image of one service of the compose file. Builds or fetches it. Faults: image-not-built, image-not-pulled, compose-service-unknown. */
export async function makeImage(
  order: ImageOrder,
  service: string,
  ofPlan?: ServiceOf<"compose">,
  done: PreparedImages = {},
): Promise<PreparedImage> {
  const { project, docker, version } = order;
  const written = project.resolved.services[service];
  if (written === undefined) throw unknownService(order, service);
  const named = ofPlan?.runtime.image;
  if (named === undefined && written["build"] !== undefined)
    return sameBuild(order, service, done) ?? buildImage(order, service);
  const reference = named === undefined ? written["image"] : withVersion(named, version);
  if (typeof reference !== "string") throw neitherImageNorBuild(order, service);
  const policy = written["pull_policy"];
  const here = policy === "always" ? null : await findImage(docker, reference);
  if (here !== null) return imageOf(reference, here);
  if (policy === "never") throw notThere(order, service, reference, "`pull_policy: never` says that it is not fetched");
  await pull(order, service, reference);
  const found = await findImage(docker, reference);
  if (found === null) throw notThere(order, service, reference, "it was fetched, and is not there");
  return imageOf(reference, found);
}

/** The image once more, where somebody removed it: the same one, or none. Faults: image-not-pulled. */
export async function ensureImage(order: ImageOrder, service: string, image: PreparedImage): Promise<boolean> {
  if ((await findImage(order.docker, image.id)) !== null) return true;
  if (image.digest === undefined) return false;
  await pull(order, service, image.digest);
  return (await findImage(order.docker, image.id)) !== null;
}

/** What images built here are called, so that they can be told and removed. */
export function builtTag(
  { app, environment, version }: Pick<ImageOrder, "app" | "environment" | "version">,
  service: string,
): string {
  const name = [app, environment, service]
    .join("-")
    .toLowerCase()
    .replaceAll(/[^a-z0-9-]+/g, "-");
  const tag = version
    .replaceAll(/[^A-Za-z0-9_.-]/g, "-")
    .replace(/^[.-]+/, "")
    .slice(0, 100);
  return `tidegate/${name}:${tag}`;
}

/** A web server and its worker are often one image with two commands: that is built once. */
function sameBuild({ project }: ImageOrder, service: string, done: PreparedImages): PreparedImage | null {
  const buildOf = (name: string): string => JSON.stringify(project.resolved.services[name]?.["build"]);
  const twin = Object.keys(done).find((name) => name !== service && buildOf(name) === buildOf(service));
  return twin === undefined ? null : (done[twin] ?? null);
}

async function buildImage(order: ImageOrder, service: string): Promise<PreparedImage> {
  const { project, docker, folder, version, signal } = order;
  const reference = builtTag(order, service);
  const written = project.resolved.services[service] ?? {};
  // Alone, so that what it depends on is neither needed nor built.
  const document = {
    services: { [service]: { image: reference, build: written["build"] } },
    ...Object.fromEntries(
      (["secrets"] as const)
        .filter((key) => Object.keys(project.resolved[key]).length > 0)
        .map((key) => [key, project.resolved[key]]),
    ),
  };
  const logFile = folder.file("logs", `build-${version.slice(0, 40).replaceAll("/", "-")}-${service}.log`);
  mkdirSync(folder.file("logs"), { recursive: true, mode: 0o700 });
  rmSync(logFile, { force: true });
  const log = openForAppending(logFile);
  try {
    const heard = (chunk: Buffer): void => void writeSync(log, chunk);
    const result = await project.compose(project.resolved.name, document, ["build", service], {
      timeoutMs: BUILD_WITHIN_MS,
      signal,
      heard,
    });
    if (result.code !== 0) {
      throw new FaultError({
        code: "image-not-built",
        what: `The image of ${service} could not be built: docker compose build ended with code ${result.code}.`,
        where: logFile,
        detail: lastLines(`${result.output}\n${result.errors}`),
        fix: `mend ${placeIn(project.files.documents, ["services", service, "build"])}, or try it by hand: (cd ${project.files.directory} && docker compose build ${service})`,
      });
    }
  } finally {
    closeSync(log);
  }
  const built = await findImage(docker, reference);
  if (built === null) throw notThere(order, service, reference, "it was built, and is not there");
  return imageOf(reference, built);
}

async function pull(order: ImageOrder, service: string, reference: string): Promise<void> {
  const { project, signal } = order;
  const document = { services: { [service]: { image: reference } } };
  const result = await project.compose(project.resolved.name, document, ["pull", service], {
    timeoutMs: PULL_WITHIN_MS,
    signal,
  });
  if (result.code === 0) return;
  throw new FaultError({
    code: "image-not-pulled",
    what: `The image of ${service}, ${reference}, can't be fetched.`,
    where: placeIn(project.files.documents, ["services", service, "image"]),
    detail: lastLines(`${result.output}\n${result.errors}`),
    fix: `does the tag exist, and may this machine have it? docker pull ${reference} ; docker login where it is private`,
  });
}

function findImage(docker: DockerClient, reference: string): Promise<EngineImage | null> {
  return docker.get<EngineImage>(`/images/${encodeURIComponent(reference)}/json`);
}

function imageOf(reference: string, { Id, RepoDigests, Config }: EngineImage): PreparedImage {
  const repository = reference.replace(/@.*$/, "").replace(/:[^/:]*$/, "");
  const digests = RepoDigests ?? [];
  const digest = digests.find((each) => each.startsWith(`${repository}@`)) ?? digests[0];
  return {
    reference,
    id: Id,
    ...(digest === undefined ? {} : { digest }),
    ...portNamedBy({ Config }),
  };
}

function lastLines(text: string): readonly string[] {
  return text
    .split("\n")
    .map((line) => withoutControls(line).trim())
    .filter((line) => line !== "")
    .slice(-SHOWN);
}

function unknownService({ project, version }: ImageOrder, service: string): FaultError {
  return new FaultError({
    code: "compose-service-unknown",
    what: `The compose file of ${version.slice(0, 12)} has no service ${service}; it has ${Object.keys(project.resolved.services).join(", ")}.`,
    where: placeIn(project.files.documents, ["services"]),
    fix: "correct `compose:` in the plan file, or release a version that has it",
  });
}

function neitherImageNorBuild({ project }: ImageOrder, service: string): FaultError {
  return new FaultError({
    code: "compose-file-invalid",
    what: `${service} has neither an \`image\` nor a \`build\`.`,
    where: placeIn(project.files.documents, ["services", service]),
    fix: "give it one of them",
  });
}

function notThere({ project }: ImageOrder, service: string, reference: string, why: string): FaultError {
  return new FaultError({
    code: "image-not-pulled",
    what: `The image of ${service}, ${reference}, is not on the engine: ${why}.`,
    where: placeIn(project.files.documents, ["services", service, "image"]),
    fix: `docker pull ${reference}`,
  });
}
