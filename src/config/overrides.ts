import type { Share } from "../core/traffic/share.ts";
import { parseDuration, type Parsed, parsed, misread, parseShare } from "../core/text/units.ts";
import type { Duration } from "../core/time/time.ts";
import { type Problem, wholeFile } from "./reading/problem.ts";

/** What environment variables say of a plan; they go before the plan file and its overlay. */
export interface EnvironmentOverrides {
  readonly environment?: Written<string>;
  readonly healthEvery?: Written<Duration>;
  readonly healthTimeout?: Written<Duration>;
  readonly canaryShare?: Written<Share>;
  readonly canaryFor?: Written<Duration>;
  readonly automaticRollback?: Written<boolean>;
}

export interface Written<T> {
  readonly name: string;
  /** As it stands in the environment. */
  readonly text: string;
  readonly value: T;
}

/** A key of the plan that an environment variable (or the command line) has changed; `plan` shows it. */
export interface Override {
  readonly name: string;
  readonly value: string;
  /** `services.web.health.every`, `steps[3].shift`, `environment`. */
  readonly key: string;
  readonly from: string;
  readonly to: string;
}

/** The variables, for the reference page: what each sets, how it is written, an example. */
export const ENVIRONMENT_VARIABLES = [
  { name: "DEPLOYMENT_ENV", sets: "the environment: which overlay applies (`tidegate.<env>.yaml`)", like: "staging" },
  { name: "HEALTH_CHECK_INTERVAL", sets: "`health.every` of every service; a bare number is seconds", like: "10" },
  { name: "HEALTH_CHECK_TIMEOUT", sets: "`health.timeout` of every service; a bare number is seconds", like: "5" },
  { name: "CANARY_PERCENTAGE", sets: "the share of the first shift; a bare number is percent", like: "5" },
  { name: "CANARY_DURATION", sets: "the `for` of the first shift; a bare number is seconds", like: "1800" },
  { name: "AUTOMATIC_ROLLBACK_ON_ERROR", sets: "`automaticRollback`: `false` turns rollback into hold", like: "false" },
] as const;

/** Names of environments end up in file names. */
export function isEnvironmentName(text: string): boolean {
  return /^[A-Za-z0-9][A-Za-z0-9_-]{0,39}$/.test(text);
}

/** Reads the variables; an empty one is as good as none, what makes no sense is told. */
export function readOverrides(env: Readonly<Record<string, string | undefined>>): {
  readonly overrides: EnvironmentOverrides;
  readonly problems: readonly Problem[];
} {
  const problems: Problem[] = [];
  const read = <T>(name: string, parse: (text: string) => Parsed<T>): Written<T> | undefined => {
    const text = env[name]?.trim() ?? "";
    if (text === "") return undefined;
    const result = parse(text);
    if (result.ok) return { name, text, value: result.value };
    problems.push({
      code: "environment-variable-invalid",
      what: `The environment variable ${name} makes no sense: ${result.what}`,
      fix: result.fix,
      place: wholeFile(`environment variable ${name}`, -1),
    });
    return undefined;
  };
  const seconds = (text: string): Parsed<Duration> => positive(parseDuration(isNumber(text) ? `${text}s` : text), text);
  const percent = (text: string): Parsed<Share> => positive(parseShare(isNumber(text) ? `${text}%` : text), text);
  const found = {
    environment: read("DEPLOYMENT_ENV", environmentName),
    healthEvery: read("HEALTH_CHECK_INTERVAL", seconds),
    healthTimeout: read("HEALTH_CHECK_TIMEOUT", seconds),
    canaryShare: read("CANARY_PERCENTAGE", percent),
    canaryFor: read("CANARY_DURATION", seconds),
    automaticRollback: read("AUTOMATIC_ROLLBACK_ON_ERROR", yesOrNo),
  };
  const overrides = Object.fromEntries(
    Object.entries(found).filter(([, value]) => value !== undefined),
  ) as EnvironmentOverrides;
  return { overrides, problems };
}

function isNumber(text: string): boolean {
  return /^\d+(\.\d+)?$/.test(text);
}

function positive(result: Parsed<number>, text: string): Parsed<number> {
  return result.ok && result.value === 0 ? misread(`\`${text}\` is nothing.`, "Give a value above 0.") : result;
}

function environmentName(text: string): Parsed<string> {
  return isEnvironmentName(text)
    ? parsed(text)
    : misread(`\`${text}\` is not the name of an environment.`, "Use letters, digits, `-` and `_`: `staging`.");
}

function yesOrNo(text: string): Parsed<boolean> {
  const word = text.toLowerCase();
  if (["true", "yes", "on", "1"].includes(word)) return parsed(true);
  if (["false", "no", "off", "0"].includes(word)) return parsed(false);
  return misread(`\`${text}\` is neither \`true\` nor \`false\`.`, "Write `true` or `false`.");
}
