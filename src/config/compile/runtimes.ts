import type { ComposeProject } from "../../core/plan/compose.ts";
import type { Service, SystemdRuntime } from "../../core/plan/service.ts";
import type { Path } from "../reading/located.ts";
import type { PlanConfig } from "../schema/plan-file.ts";
import type { Told } from "./context.ts";

type ServiceConfig = PlanConfig["services"][string];

/** Keys that mean something for one kind of runtime alone. */
const OF_PROCESSES = ["build", "prepare", "directory", "files", "systemd"] as const;
const OF_COMPOSE = ["image", "port"] as const;

/** What runs a service, by the key that says so: `run`, with `systemd` or without, or `compose`. */
export function compileRuntime(name: string, config: PlanConfig, told: Told): Service["runtime"] {
  const written = config.services[name] as ServiceConfig;
  const base: Path = ["services", name];
  if (written.compose !== undefined) {
    checkCompose(name, written, config, told);
    return {
      kind: "compose",
      service: written.compose,
      ...(written.port === undefined ? {} : { port: written.port }),
      ...(written.image === undefined ? {} : { image: written.image }),
      project: compileProject(config),
    };
  }
  if (written.run === undefined) told.plan.push(missingRun([...base, "run"]));
  for (const key of OF_COMPOSE.filter((each) => written[each] !== undefined)) {
    const what = `\`${key}\` is for services with \`compose\`, and \`${name}\` has \`run\`.`;
    told.plan.push({ code: "plan-value-invalid", what, fix: "Remove it.", path: [...base, key], on: "key" });
  }
  const line = {
    directory: written.directory ?? ".",
    ...(written.build === undefined ? {} : { build: written.build }),
    ...(written.prepare === undefined ? {} : { prepare: written.prepare }),
    run: written.run ?? "",
    files: written.files ?? [],
  };
  const { systemd } = written;
  if (systemd === undefined || systemd === false) return { kind: "process", ...line };
  return { kind: "systemd", ...line, ...compileUnit(name, systemd, told) };
}

function missingRun(path: Path): Told["plan"][number] {
  return {
    code: "plan-key-missing",
    what: "`run` is missing.",
    fix: "Add `run`, for example `run: node server.js --port ${port}`; or `compose: SERVICE` for a service of a compose file.",
    path,
    on: "key",
    isAbsence: true,
  };
}

function checkCompose(name: string, written: ServiceConfig, config: PlanConfig, told: Told): void {
  const base: Path = ["services", name];
  const tell = (key: string, what: string, fix: string): void =>
    void told.plan.push({ code: "plan-value-invalid", what, fix, path: [...base, key], on: "key" });
  if (written.run !== undefined)
    tell("run", `\`${name}\` has both \`run\` and \`compose\`.`, "Keep the one that runs it.");
  for (const key of OF_PROCESSES.filter((each) => written[each] !== undefined))
    tell(
      key,
      `\`${key}\` is for services with \`run\`, and \`${name}\` has \`compose\`.`,
      key === "build" ? "Remove it: what the compose file says under `build` is built." : "Remove it.",
    );
  const twin = Object.entries(config.services).find(
    ([other, { compose }]) => other !== name && compose === written.compose,
  );
  if (twin !== undefined && Object.keys(config.services).indexOf(twin[0]) < Object.keys(config.services).indexOf(name))
    tell(
      "compose",
      `\`${written.compose}\` of the compose file is released as \`${twin[0]}\` already.`,
      "Name each service of the compose file once.",
    );
}

/** What Tidegate must be sure of, or has a key for. */
const OWN_PROPERTIES: Readonly<Record<string, string>> = {
  User: "Write `systemd: { user: … }`.",
  Group: "Write `systemd: { group: … }`.",
  Slice: "Write `systemd: { slice: … }`.",
  MemoryMax: "Write `systemd: { memoryMax: … }`.",
  CPUQuota: "Write `systemd: { cpuQuota: … }`.",
  ExecStart: "Write the line that starts the service under `run`.",
  WorkingDirectory: "Write the service's folder under `directory`.",
  EnvironmentFile: "Write values under `env`.",
  TimeoutStopSec: "Write `stopWithin` for the service.",
  Type: "Remove it: Tidegate finds out by itself when an instance is ready.",
  Restart: "Remove it: what ends is started again, and counted.",
  RestartSec: "Remove it: what ends is started again, and counted.",
  ExecStopPost: "Remove it: Tidegate needs it to know how an instance ended.",
  RemainAfterExit: "Remove it: what ends is started again, and counted.",
};

function compileUnit(
  name: string,
  written: Exclude<ServiceConfig["systemd"], boolean | undefined> | true,
  told: Told,
): Omit<SystemdRuntime, "kind" | "directory" | "build" | "prepare" | "run" | "files"> {
  if (written === true) return { properties: {} };
  const base: Path = ["services", name, "systemd", "properties"];
  for (const [key, values] of Object.entries(written.properties)) {
    const fix = OWN_PROPERTIES[key];
    if (fix !== undefined) {
      const what = `\`${key}\` is written by Tidegate itself.`;
      told.plan.push({ code: "plan-value-invalid", what, fix, path: [...base, key], on: "key" });
    } else if (values.some((value) => /\p{Cc}/u.test(value))) {
      const what = `\`${key}\` holds a line break or another control character, which can't stand in a unit.`;
      told.plan.push({ code: "plan-value-invalid", what, fix: "Write one line.", path: [...base, key], on: "value" });
    }
  }
  const { user, group, slice, memoryMax, cpuQuota, properties } = written;
  return {
    ...(user === undefined ? {} : { user }),
    ...(group === undefined ? {} : { group }),
    ...(slice === undefined ? {} : { slice }),
    ...(memoryMax === undefined ? {} : { memoryMax }),
    ...(cpuQuota === undefined ? {} : { cpuQuota }),
    properties,
  };
}

function compileProject({ compose }: PlanConfig): ComposeProject {
  if (compose === undefined) return { files: [], profiles: [], set: {} };
  const { file, project, profiles, envFile, context, host, publish, set } = compose;
  return {
    files: file ?? [],
    ...(project === undefined ? {} : { name: project }),
    profiles,
    ...(envFile === undefined ? {} : { envFile }),
    ...(context === undefined ? {} : { context }),
    ...(host === undefined ? {} : { host }),
    ...(publish === undefined ? {} : { publish }),
    set,
  };
}
