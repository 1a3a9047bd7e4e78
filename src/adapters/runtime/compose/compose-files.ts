import { createHash } from "node:crypto";
import { existsSync, lstatSync, mkdirSync, readFileSync, statSync, symlinkSync } from "node:fs";
import { basename, dirname, isAbsolute, join, normalize, resolve } from "node:path";
import { FaultError } from "../../../core/fault.ts";
import type { ComposeProject } from "../../../core/plan/compose.ts";
import { type ComposeDocument, readDocument } from "./compose-document.ts";
import { listOf, mapOf } from "./written-values.ts";

type Environment = Readonly<Record<string, string | undefined>>;

/** The compose files of one version, and what stands in them. */
export interface ComposeFiles {
  /** Absolute, as with `-f`. */
  readonly files: readonly string[];
  /** The version's folder in which the first of them lies. */
  readonly directory: string;
  /** The same folder beside the plan file: what git doesn't have lies there. */
  readonly usersDirectory: string;
  readonly envFile?: string;
  /** The name of the project in which databases and the like run. */
  readonly project: string;
  /** As they stand there, nothing filled in. */
  readonly documents: readonly ComposeDocument[];
}

const DEFAULT_NAMES = ["compose.yaml", "compose.yml", "docker-compose.yml", "docker-compose.yaml"] as const;

/**
 * Finds and reads the compose files of a version whose folder is made. `versionFolder` corresponds to the plan file's
 * folder; in plan and doctor it is that folder itself. Faults: compose-file-missing, compose-file-invalid.
 */
export function readComposeFiles(
  settings: ComposeProject,
  planFolder: string,
  versionFolder: string,
  env: Environment,
): ComposeFiles {
  const names =
    settings.files.length > 0
      ? settings.files
      : (fromEnvironment(env, planFolder) ?? defaultFiles(planFolder, versionFolder));
  const files = names.map((name) => {
    const path = [resolve(versionFolder, name), resolve(planFolder, name)].find((each) => existsSync(each));
    if (path === undefined) throw missing(name, planFolder);
    return path;
  });
  const place = dirname(names[0] ?? ".");
  const directory = resolve(versionFolder, place);
  const usersDirectory = resolve(planFolder, place);
  const documents = files.map((file, index) => readDocument(file, names[index] ?? file));
  const envFile = envFileOf(settings, planFolder, usersDirectory, directory);
  return {
    files,
    directory,
    usersDirectory,
    ...(envFile === undefined ? {} : { envFile }),
    project: projectName(settings, documents, usersDirectory, env, envFile),
    documents,
  };
}

/** Of everything that compose reads of a version, as far as it lies in files that are named in plain words. */
export function fingerprint(
  settings: ComposeProject,
  planFolder: string,
  versionFolder: string,
  env: Environment,
): string {
  const found = readComposeFiles(settings, planFolder, versionFolder, env);
  const named = found.documents.flatMap(({ value }) => namedFiles(value));
  const beside = named.flatMap((path) => [resolve(found.directory, path), resolve(found.usersDirectory, path)]);
  const hash = createHash("sha256").update(JSON.stringify([env, found.project]));
  for (const file of [...found.files, ...(found.envFile === undefined ? [] : [found.envFile]), ...beside]) {
    const stat = statSync(file, { throwIfNoEntry: false });
    hash.update(`${file} ${stat?.mtimeMs ?? 0} ${stat?.size ?? 0}\n`);
  }
  return hash.digest("hex");
}

/**
 * What the compose files name and git doesn't have, such as an `.env` or the file of a secret, is linked from beside the
 * plan file, so that the version finds it where compose looks. Links, and no copies: a secret stays in one place.
 */
export function linkWhatIsMissing({ documents, directory, usersDirectory }: ComposeFiles): void {
  if (directory === usersDirectory) return;
  mkdirSync(directory, { recursive: true });
  for (const path of new Set(documents.flatMap(({ value }) => namedFiles(value)))) {
    if (isAbsolute(path) || path.includes("$") || normalize(path).startsWith("..")) continue;
    const [link, target] = [join(directory, path), join(usersDirectory, path)];
    if (existsSync(link) || !existsSync(target) || isLink(link)) continue;
    mkdirSync(dirname(link), { recursive: true });
    symlinkSync(target, link);
  }
}

function isLink(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink() === true;
}

/** Files under `env_file`, `secrets` and `configs`. */
function namedFiles(value: Readonly<Record<string, unknown>>): readonly string[] {
  const services = Object.values(mapOf(value["services"])).map(mapOf);
  const envFiles = services
    .flatMap((service) => listOf(service["env_file"]))
    .map((entry) => (typeof entry === "string" ? entry : mapOf(entry)["path"]));
  const others = [value["secrets"], value["configs"]].flatMap((all) =>
    Object.values(mapOf(all)).map((each) => mapOf(each)["file"]),
  );
  return [...envFiles, ...others].filter((path): path is string => typeof path === "string");
}

/** Every profile that the files name. */
export function profilesIn(documents: readonly ComposeDocument[]): readonly string[] {
  const services = documents.flatMap(({ value }) => Object.values(mapOf(value["services"])).map(mapOf));
  return [
    ...new Set(services.flatMap((service) => listOf(service["profiles"])).filter((each) => typeof each === "string")),
  ];
}

function defaultFiles(planFolder: string, versionFolder: string): readonly string[] {
  const isThere = (name: string): boolean =>
    existsSync(join(versionFolder, name)) || existsSync(join(planFolder, name));
  const first = DEFAULT_NAMES.find(isThere);
  if (first === undefined) throw missing(DEFAULT_NAMES[0], planFolder);
  const over = [".yaml", ".yml"].map((ending) => `${first.replace(/\.ya?ml$/, "")}.override${ending}`).find(isThere);
  return [first, ...(over === undefined ? [] : [over])];
}

/** `COMPOSE_FILE`, as compose reads it. */
function fromEnvironment(env: Environment, planFolder: string): readonly string[] | null {
  const given = env["COMPOSE_FILE"] ?? valueIn(join(planFolder, ".env"), "COMPOSE_FILE");
  if (given === undefined || given === "") return null;
  return given.split(env["COMPOSE_PATH_SEPARATOR"] ?? ":").filter((name) => name !== "");
}

function envFileOf(
  settings: ComposeProject,
  planFolder: string,
  usersDirectory: string,
  directory: string,
): string | undefined {
  if (settings.envFile !== undefined) {
    const path = resolve(planFolder, settings.envFile);
    if (existsSync(path)) return path;
    throw new FaultError({
      code: "compose-file-missing",
      what: `The file ${settings.envFile} does not exist.`,
      where: path,
      fix: "correct `compose.envFile` in the plan file, or make the file",
    });
  }
  return [join(usersDirectory, ".env"), join(directory, ".env")].find((path) => existsSync(path));
}

/** The rule of compose itself, so that the databases that run already are found. */
function projectName(
  settings: ComposeProject,
  documents: readonly ComposeDocument[],
  usersDirectory: string,
  env: Environment,
  envFile: string | undefined,
): string {
  const inFile = documents
    .map(({ value }) => value["name"])
    .findLast((name) => typeof name === "string" && !name.includes("$"));
  const name =
    settings.name ??
    env["COMPOSE_PROJECT_NAME"] ??
    (envFile === undefined ? undefined : valueIn(envFile, "COMPOSE_PROJECT_NAME")) ??
    (typeof inFile === "string" ? inFile : undefined) ??
    basename(usersDirectory);
  const plain = name
    .toLowerCase()
    .replaceAll(/[^a-z0-9_-]/g, "")
    .replace(/^[_-]+/, "");
  return plain === "" ? "default" : plain;
}

function valueIn(file: string, name: string): string | undefined {
  try {
    const line = readFileSync(file, "utf8")
      .split("\n")
      .findLast((each) => each.startsWith(`${name}=`));
    return line
      ?.slice(name.length + 1)
      .trim()
      .replace(/^(["'])(.*)\1$/, "$2");
  } catch {
    return undefined;
  }
}

function missing(name: string, folder: string): FaultError {
  return new FaultError({
    code: "compose-file-missing",
    what: `There is no ${name} in this version, nor beside the plan file.`,
    where: folder,
    fix: "name it in the plan file: `compose: { file: deploy/compose.yaml }`",
  });
}
