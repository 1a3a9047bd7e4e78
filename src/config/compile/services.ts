import { isAbsolute, normalize } from "node:path";
import type { Health, Route, Service } from "../../core/plan/service.ts";
import { SECOND } from "../../core/time/time.ts";
import { spellDuration } from "../../core/text/units.ts";
import type { Override } from "../overrides.ts";
import type { Path } from "../reading/located.ts";
import type { PlanConfig } from "../schema/plan-file.ts";
import { readComposeFiles } from "./compose-file.ts";
import type { CompileContext, Told } from "./context.ts";
import { compileRuntime } from "./runtimes.ts";

type ServiceConfig = PlanConfig["services"][string];

export function compileServices(
  config: PlanConfig,
  routes: ReadonlyMap<string, readonly Route[]>,
  context: CompileContext,
  told: Told,
): { readonly services: readonly Service[]; readonly overrides: readonly Override[] } {
  if (Object.keys(config.services).length === 0) {
    const what = "There is no service.";
    const fix = "Add one: `services: { web: { run: node server.js } }`.";
    told.plan.push({ code: "plan-key-missing", what, fix, path: ["services"], on: "key", isAbsence: true });
  }
  const overrides: Override[] = [];
  const composeFiles = readComposeFiles(config, context, told);
  const services = Object.entries(config.services).map(([name, written]) => {
    const mine = routes.get(name) ?? [];
    checkService(name, written, mine, told);
    const health = compileHealth(name, written.health, context, overrides);
    const inCompose = composeFiles?.service(written.compose);
    return {
      name,
      replicas: written.replicas ?? inCompose?.replicas ?? 1,
      runtime: compileRuntime(name, config, told),
      routes: mine,
      ...(health === undefined ? {} : { health }),
      env: written.env,
      overlap: written.overlap,
      drainMs: written.drain,
      stopMs: written.stopWithin ?? inCompose?.stopMs ?? 10 * SECOND,
      startMs: written.startWithin,
    };
  });
  return { services, overrides };
}

function checkService(name: string, written: ServiceConfig, routes: readonly Route[], told: Told): void {
  const base: Path = ["services", name];
  if (written.overlap && routes.length > 0) {
    const what = `\`overlap\` has no meaning on \`${name}\`: it has a route, so both versions run while the traffic is split anyway.`;
    told.plan.push({ code: "plan-value-invalid", what, fix: "Remove it.", path: [...base, "overlap"], on: "key" });
  }
  if (written.directory !== undefined) checkInside(written.directory, [...base, "directory"], told);
  written.files?.forEach((file, index) => checkInside(file, [...base, "files", index], told));
}

/** Folders and files of a version lie in its own folder: nothing is copied to, or started, elsewhere. */
function checkInside(path: string, at: Path, told: Told): void {
  if (!isAbsolute(path) && !normalize(path).startsWith("..")) return;
  told.plan.push({
    code: "plan-value-invalid",
    what: `\`${path}\` lies outside the version's folder.`,
    fix: "Write a path without `..` that does not begin with `/`.",
    path: at,
    on: "value",
  });
}

function compileHealth(
  service: string,
  written: ServiceConfig["health"],
  { overrides: given }: CompileContext,
  overrides: Override[],
): Health | undefined {
  if (written === undefined) return undefined;
  const short = typeof written === "string";
  const wantedEvery = short ? 10 * SECOND : written.every;
  const everyMs = given.healthEvery?.value ?? wantedEvery;
  const wantedTimeout = short ? undefined : written.timeout;
  const timeoutMs = given.healthTimeout?.value ?? wantedTimeout ?? Math.min(5 * SECOND, everyMs);
  const note = (by: EnvironmentValue | undefined, key: string, from: number, to: number): void => {
    if (by === undefined) return;
    const spelled = { key: `services.${service}.health.${key}`, from: spellDuration(from), to: spellDuration(to) };
    overrides.push({ name: by.name, value: by.text, ...spelled });
  };
  note(given.healthEvery, "every", wantedEvery, everyMs);
  note(given.healthTimeout, "timeout", wantedTimeout ?? Math.min(5 * SECOND, wantedEvery), timeoutMs);
  if (short) return { ready: written, everyMs, timeoutMs, rise: 2, fall: 3, delayMs: 0 };
  return {
    ready: written.ready,
    ...(written.live === undefined ? {} : { live: written.live }),
    ...(written.depends === undefined ? {} : { depends: written.depends }),
    everyMs,
    timeoutMs,
    rise: written.rise,
    fall: written.fall,
    delayMs: written.delay,
  };
}

type EnvironmentValue = { readonly name: string; readonly text: string };
