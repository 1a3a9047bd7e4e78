import { existsSync, statSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { FaultError } from "../core/fault.ts";
import { type StateFolder, stateFolder } from "../local/state-folder.ts";

/** Which app a command is about: where its plan file is, and where its state lies. */
export interface Project {
  /** Of the plan file; without one the folder that the command was started in. */
  readonly folder: string;
  /** null: there is none. */
  readonly planFile: string | null;
  readonly environment: string;
  readonly state: StateFolder;
  /** Where the state of production lies, and in folders of their names those of the other environments. */
  readonly stateRoot: string;
}

export interface Whereabouts {
  readonly cwd: string;
  readonly file: string | undefined;
  readonly environment: string | undefined;
  readonly state: string | undefined;
  readonly env: Readonly<Record<string, string | undefined>>;
}

export const PLAN_FILE_NAMES = ["tidegate.yaml", "tidegate.yml", "tidegate.config.ts"] as const;
export const DEFAULT_ENVIRONMENT = "production";

/**
 * Finds it without reading it: the plan file here or in the nearest folder above, as git finds its repository.
 * Faults: plan-file-missing, usage.
 */
export function findProject({ cwd, file, environment, state, env }: Whereabouts): Project {
  const planFile = file === undefined ? nearestPlanFile(cwd) : namedPlanFile(resolve(cwd, file), file);
  const folder = planFile === null ? resolve(cwd) : dirname(planFile);
  const named = environment ?? (nonEmpty(env["DEPLOYMENT_ENV"]) || DEFAULT_ENVIRONMENT);
  const root = givenState({ state, env, cwd }) ?? join(folder, ".tidegate");
  return {
    folder,
    planFile,
    environment: named,
    // Two environments on one machine must not share processes, sockets and a journal.
    stateRoot: root,
    state: stateFolder(named === DEFAULT_ENVIRONMENT ? root : join(root, safeName(named))),
  };
}

/** The plan file's path. Faults: plan-file-missing. */
export function requirePlanFile(project: Project): string {
  if (project.planFile !== null) return project.planFile;
  throw new FaultError({
    code: "plan-file-missing",
    what: "There is no plan file here.",
    where: `${project.folder}, looked for ${PLAN_FILE_NAMES.join(", ")} here and in the folders above`,
    fix: "tidegate init writes one for this folder",
  });
}

function nearestPlanFile(from: string): string | null {
  for (let folder = resolve(from); ; folder = dirname(folder)) {
    const found = PLAN_FILE_NAMES.map((name) => join(folder, name)).find((path) => existsSync(path));
    if (found !== undefined) return found;
    if (dirname(folder) === folder) return null;
  }
}

/** What was named must be a file: a folder would pass for an app of which nothing is known. */
function namedPlanFile(path: string, as: string): string {
  const found = statSync(path, { throwIfNoEntry: false });
  if (found?.isFile() === true) return path;
  const isFolder = found?.isDirectory() === true;
  throw new FaultError({
    code: "plan-file-missing",
    what:
      found === undefined
        ? `There is no file "${as}".`
        : `"${as}" is ${isFolder ? "a folder and no plan file" : "no file"}.`,
    fix: isFolder
      ? `go there, or give --file the path of the plan file itself: ${join(as, PLAN_FILE_NAMES[0])}`
      : `give --file the path of a plan file (${PLAN_FILE_NAMES[0]})`,
  });
}

function safeName(environment: string): string {
  if (/^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/.test(environment)) return environment;
  throw new FaultError({
    code: "usage",
    what: `"${environment}" can't be the name of an environment.`,
    fix: "use letters, digits, `-`, `_` and `.`, at most 63 of them",
  });
}

function nonEmpty(text: string | undefined): string | undefined {
  return text === undefined || text.trim() === "" ? undefined : text.trim();
}

/** For processes that belong to one state folder, whatever the environment is called: `--state` as it is given. */
export function exactState({ global, env, cwd, project }: ExactStateSource): StateFolder {
  const given = givenState({ state: global.state, env, cwd });
  return given === undefined ? project().state : stateFolder(given);
}

interface ExactStateSource {
  readonly global: { readonly state?: string };
  readonly env: Whereabouts["env"];
  readonly cwd: string;
  readonly project: () => Project;
}

/** The path that --state or TIDEGATE_STATE names; undefined: neither does. Faults: usage. */
function givenState({ state, env, cwd }: Pick<Whereabouts, "state" | "env" | "cwd">): string | undefined {
  const given = state ?? nonEmpty(env["TIDEGATE_STATE"]);
  if (given === undefined) return undefined;
  const by = state === undefined ? "TIDEGATE_STATE" : "--state";
  if (given.trim() === "")
    throw new FaultError({ code: "usage", what: `${by} names no folder.`, fix: `give ${by} the path of a folder` });
  const path = resolve(cwd, given);
  const inTheWay = notAFolder(path);
  if (inTheWay === null) return path;
  throw new FaultError({
    code: "usage",
    what: `No state can lie in "${given}": ${inTheWay === path ? "that" : inTheWay} is no folder.`,
    fix: `give ${by} the path of a folder; one that does not exist is made by the first release`,
  });
}

/** The part of the path that exists and is no folder; null: it is one, or can be made. */
function notAFolder(path: string): string | null {
  for (let at = path; ; at = dirname(at)) {
    // A path below a file does not exist either; the file itself comes next.
    if (existsSync(at)) return statSync(at).isDirectory() ? null : at;
    if (dirname(at) === at) return null;
  }
}
