import { readdirSync, readFileSync, statSync } from "node:fs";
import { basename, dirname, join, relative, resolve } from "node:path";
import { nearest } from "../core/nearest.ts";
import type { Plan } from "../core/plan.ts";
import type { SideFile } from "./compile/context.ts";
import { isEnvironmentName, type Override, readOverrides } from "./overrides.ts";
import { PlanFileError } from "./plan-file-error.ts";
import { locate, type Located, overlay, type Source } from "./reading/located.ts";
import { faultsOf, type Problem, type ProblemCode, wholeFile } from "./reading/problem.ts";

export interface LoadOptions {
  /** `--file`; without it the plan file is looked for in `cwd`, and nowhere else. */
  readonly path?: string;
  readonly cwd: string;
  /** `--env`; goes before DEPLOYMENT_ENV. Without both: production. */
  readonly environment?: string;
  readonly env: Readonly<Record<string, string | undefined>>;
}

export interface LoadedPlan {
  readonly plan: Plan;
  /** Absolute path of the plan file, and of its folder: what the plan's relative paths are meant from. */
  readonly file: string;
  readonly folder: string;
  /** Every file that was read, absolute: plan file, overlay, checklists, smoke files. */
  readonly files: readonly string[];
  /** What environment variables (or `--env`) changed. */
  readonly overrides: readonly Override[];
  /** Names of the `${UPPER}` references: look their values up in the environment, and treat them as secrets. */
  readonly references: readonly string[];
  /** What a person might want to know, one sentence each. */
  readonly notes: readonly string[];
}

export const PLAN_FILES = ["tidegate.yaml", "tidegate.yml", "tidegate.config.ts"] as const;
export const DEFAULT_ENVIRONMENT = "production";

/**
 * Reads the plan file with its overlay and the files that it names, and compiles it. Throws PlanFileError with all
 * mistakes at once. zod and yaml are imported only here and now, because they cost the start of the CLI too much.
 */
export async function loadPlanFile(options: LoadOptions): Promise<LoadedPlan> {
  const file = findPlanFile(options);
  const folder = dirname(file);
  const read = reader(options.cwd);
  const { overrides, problems } = readOverrides(options.env);
  const environment = options.environment ?? overrides.environment?.value ?? DEFAULT_ENVIRONMENT;
  if (!isEnvironmentName(environment))
    refuse(
      "plan-value-invalid",
      `\`${environment}\` is not the name of an environment.`,
      "--env",
      "Use letters, digits, `-` and `_`: `--env staging`.",
    );
  if (problems.length > 0) throw new PlanFileError(faultsOf(problems));

  const base = file.endsWith(".ts") ? await readTypeScript(file, read) : await readYamlFile(read(file, 0));
  const overlayFile = overlayOf(folder, file, environment);
  const over = overlayFile === undefined ? undefined : await readYamlFile(read(overlayFile, 1));
  const syntax = [...base.problems, ...(over?.problems ?? [])];
  if (base.located === undefined || (overlayFile !== undefined && over?.located === undefined))
    throw new PlanFileError(faultsOf(syntax));
  const located = over?.located === undefined ? base.located : overlay(base.located, over.located);

  const { readPlan } = await import("./read-plan.ts");
  const sides: string[] = [];
  const result = readPlan(located, {
    environment,
    folder,
    env: options.env,
    overrides,
    readFile: (name) => {
      const path = resolve(folder, name);
      sides.push(path);
      return readSideFile(path, () => read(path, 2 + sides.length));
    },
  });
  const all = [...syntax, ...result.problems];
  if (all.length > 0 || result.plan === undefined) throw new PlanFileError(faultsOf(all));
  const environmentOverride = environmentOverrideOf(options, environment, overrides.environment?.name);
  return {
    plan: result.plan,
    file,
    folder,
    files: [file, ...(overlayFile === undefined ? [] : [overlayFile]), ...sides],
    overrides: [...environmentOverride, ...result.overrides],
    references: result.references,
    notes: [...missingOverlay(folder, file, environment, overlayFile), ...result.notes],
  };
}

function refuse(code: ProblemCode, what: string, where: string, fix: string): never {
  throw new PlanFileError([{ code, what, where, fix }]);
}

/** The absolute path of the plan file. */
function findPlanFile({ path, cwd }: LoadOptions): string {
  if (path !== undefined) {
    const file = resolve(cwd, path);
    const names = namesIn(dirname(file));
    if (names.includes(basename(file))) return file;
    const near = nearest(basename(file), names);
    return refuse(
      "plan-file-missing",
      `There is no plan file \`${path}\`${near === undefined ? "." : `; did you mean \`${near}\`?`}`,
      dirname(file),
      "Name a file that exists: `--file tidegate.yaml`.",
    );
  }
  const found = PLAN_FILES.filter((name) => namesIn(cwd).includes(name));
  if (found.length > 1)
    refuse(
      "plan-file-ambiguous",
      `Here are ${found.join(" and ")}, and only one of them can be the plan file.`,
      cwd,
      `Keep one, or say which: \`--file ${found[0] ?? ""}\`.`,
    );
  const [only] = found;
  if (only !== undefined) return join(resolve(cwd), only);
  return refuse(
    "plan-file-missing",
    "There is no plan file here.",
    cwd,
    "Write one with `tidegate init`, go to the folder that has one, or name it: `--file PATH`.",
  );
}

function namesIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

/** `tidegate.yaml` → `tidegate.staging.yaml`, `tidegate.config.ts` → `tidegate.staging.yaml`; the first that exists. */
function overlayOf(folder: string, file: string, environment: string): string | undefined {
  const names = namesIn(folder);
  const found = ["yaml", "yml"]
    .map((ending) => `${stemOf(file)}.${environment}.${ending}`)
    .find((name) => names.includes(name));
  return found === undefined ? undefined : join(folder, found);
}

function stemOf(file: string): string {
  return basename(file).replace(/(\.config)?\.(ts|ya?ml)$/, "");
}

/** A name mistyped would otherwise release with production's settings and say nothing. */
function missingOverlay(
  folder: string,
  file: string,
  environment: string,
  found: string | undefined,
): readonly string[] {
  const stem = `${stemOf(file)}.`;
  const others = namesIn(folder).flatMap((name) => {
    const match = /^(.+)\.ya?ml$/.exec(name.startsWith(stem) ? name.slice(stem.length) : "");
    return match?.[1] === undefined ? [] : [match[1]];
  });
  if (found !== undefined || others.length === 0 || environment === DEFAULT_ENVIRONMENT) return [];
  return [
    `There is no ${stem}${environment}.yaml: ${basename(file)} applies as it is. There are overlays for ${others.join(", ")}.`,
  ];
}

function environmentOverrideOf(
  options: LoadOptions,
  environment: string,
  variable: string | undefined,
): readonly Override[] {
  if (options.environment === undefined && variable === undefined) return [];
  const name = options.environment === undefined ? (variable ?? "") : "--env";
  return [{ name, value: environment, key: "environment", from: DEFAULT_ENVIRONMENT, to: environment }];
}

type Read = (file: string, order: number) => Source;

/** Reads files as UTF-8 text, and names them as seen from the folder in which the user is. */
function reader(cwd: string): Read {
  return (file, order) => {
    const name = shownName(cwd, file);
    try {
      // A byte order mark is no part of the text.
      return { name, order, text: readFileSync(file, "utf8").replace(/^\uFEFF/, "") };
    } catch (error) {
      const cause = error instanceof Error ? error.message : String(error);
      throw new PlanFileError([{ code: "plan-file-unreadable", what: `${name} can't be read.`, where: file, cause }], {
        cause: error,
      });
    }
  };
}

function shownName(cwd: string, file: string): string {
  const path = relative(resolve(cwd), file);
  return path.startsWith("..") ? file : path;
}

interface Base {
  readonly located?: Located;
  readonly problems: readonly Problem[];
}

async function readYamlFile(source: Source): Promise<Base> {
  const { readYaml } = await import("./reading/yaml.ts");
  return readYaml(source);
}

async function readTypeScript(file: string, read: Read): Promise<Base> {
  const { name } = read(file, 0);
  const { importConfig } = await import("./reading/typescript.ts");
  const result = await importConfig(file, statSync(file).mtimeMs);
  const place = wholeFile(name);
  if (!result.ok)
    return {
      problems: [
        {
          code: "plan-file-invalid",
          what: result.what,
          fix: result.fix,
          place,
          ...(result.cause === undefined ? {} : { cause: result.cause }),
        },
      ],
    };
  return { located: locate(result.value, place.source), problems: [] };
}

function readSideFile(path: string, read: () => Source): SideFile {
  const names = namesIn(dirname(path));
  if (!names.includes(basename(path))) {
    const near = nearest(basename(path), names);
    return { kind: "missing", ...(near === undefined ? {} : { near }) };
  }
  try {
    return { kind: "read", source: read() };
  } catch (error) {
    return {
      kind: "unreadable",
      cause: error instanceof PlanFileError ? (error.faults[0]?.cause ?? "") : String(error),
    };
  }
}
