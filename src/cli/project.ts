import { existsSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
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

/** Finds it without reading it: the plan file here or in the nearest folder above, as git finds its repository. */
export function findProject({ cwd, file, environment, state, env }: Whereabouts): Project {
  const planFile = file === undefined ? nearestPlanFile(cwd) : resolve(cwd, file);
  if (file !== undefined && planFile !== null && !existsSync(planFile)) throw noSuchFile(file);
  const folder = planFile === null ? resolve(cwd) : dirname(planFile);
  const named = environment ?? (nonEmpty(env["DEPLOYMENT_ENV"]) || DEFAULT_ENVIRONMENT);
  const base = state ?? nonEmpty(env["TIDEGATE_STATE"]);
  const root = base === undefined ? join(folder, ".tidegate") : resolve(cwd, base);
  return {
    folder,
    planFile,
    environment: named,
    // Two environments on one machine must not share processes, sockets and a journal.
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
    fix: "tidegate init writes one that works for this folder",
  });
}

function nearestPlanFile(from: string): string | null {
  for (let folder = resolve(from); ; folder = dirname(folder)) {
    const found = PLAN_FILE_NAMES.map((name) => join(folder, name)).find((path) => existsSync(path));
    if (found !== undefined) return found;
    if (dirname(folder) === folder) return null;
  }
}

function noSuchFile(file: string): FaultError {
  return new FaultError({
    code: "plan-file-missing",
    what: `There is no file "${file}".`,
    fix: `give --file the path of a plan file (${basename(PLAN_FILE_NAMES[0])})`,
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
  const given = global.state ?? nonEmpty(env["TIDEGATE_STATE"]);
  return given === undefined ? project().state : stateFolder(resolve(cwd, given));
}

interface ExactStateSource {
  readonly global: { readonly state?: string };
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  readonly project: () => Project;
}
