import { readFileSync, statSync } from "node:fs";
import { basename, dirname, relative, resolve } from "node:path";
import { nearest } from "../core/text/nearest.ts";
import type { Plan } from "../core/plan/plan.ts";
import type { SideFile } from "./compile/context.ts";
import { findPlanFile, namesIn, overlayOf, missingOverlay, refuse } from "./find.ts";
import { type EnvironmentOverrides, isEnvironmentName, type Override, readOverrides } from "./overrides.ts";
import { PlanFileError } from "./plan-file-error.ts";
import { locate, type Located, overlay, type Place, plain, type Source } from "./reading/located.ts";
import { faultsOf, type Problem } from "./reading/problem.ts";

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
    readSelect: await selectReader(located),
    environment,
    folder,
    env: options.env,
    overrides,
    readFile: (name) => {
      const path = resolve(folder, name);
      const side = readSideFile(path, () => read(path, 3 + sides.length));
      if (side.kind === "read") sides.push(path);
      return side;
    },
  });
  const all = [...syntax, ...notAt(syntax, result.problems)];
  if (all.length > 0 || result.plan === undefined) throw new PlanFileError(faultsOf(all));
  const environmentOverride = environmentOverrideOf(environment, overrides.environment);
  return {
    plan: result.plan,
    file,
    folder,
    files: [file, ...(overlayFile === undefined ? [] : [overlayFile]), ...sides],
    overrides: [...environmentOverride, ...result.overrides],
    references: result.references,
    notes: [
      ...(environment === DEFAULT_ENVIRONMENT ? [] : missingOverlay(folder, file, environment, overlayFile)),
      ...result.notes,
    ],
  };
}

/** The language is loaded where a plan has a word of it: most have none. */
async function selectReader(located: Located): Promise<(expression: string) => string | null> {
  if (!JSON.stringify(plain(located)).includes('"select"')) return () => null;
  return (await import("./select.ts")).readSelect;
}

/** What could not be read is told as such, and not also as a value that is wrong. */
function notAt(told: readonly Problem[], problems: readonly Problem[]): readonly Problem[] {
  const starts = new Map<Source, Set<number | undefined>>();
  for (const { place } of told) starts.set(place.source, (starts.get(place.source) ?? new Set()).add(place.start));
  return problems.filter(
    ({ place: { source, start } }) => start === undefined || starts.get(source)?.has(start) !== true,
  );
}

function environmentOverrideOf(
  environment: string,
  variable: EnvironmentOverrides["environment"],
): readonly Override[] {
  if (environment === DEFAULT_ENVIRONMENT) return [];
  const name = variable?.value === environment ? variable.name : "--env";
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
  const source = read(file, 0);
  const { importConfig } = await import("./reading/typescript.ts");
  const result = await importConfig(file, statSync(file).mtimeMs);
  if (result.ok) return { located: locate(result.value, source), problems: [] };
  const { what, fix, cause, line } = result;
  const place = line === undefined ? { source } : lineOfSource(source, line);
  return { problems: [{ code: "plan-file-invalid", what, fix, place, ...(cause === undefined ? {} : { cause }) }] };
}

function lineOfSource(source: Source, line: number): Place {
  const lines = source.text.split("\n");
  const text = lines[line - 1] ?? "";
  const lineStart = lines.slice(0, line - 1).join("\n").length + (line > 1 ? 1 : 0);
  return { source, start: lineStart + text.length - text.trimStart().length, end: lineStart + text.trimEnd().length };
}

function readSideFile(path: string, read: () => Source): SideFile {
  const names = namesIn(dirname(path));
  if (!names.includes(basename(path))) {
    const near = nearest(basename(path), names);
    return { kind: "missing", others: names, ...(near === undefined ? {} : { near }) };
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
