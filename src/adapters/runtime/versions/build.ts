import { statSync } from "node:fs";
import { mkdir, rm } from "node:fs/promises";
import { basename } from "node:path";
import { type Fault, FaultError } from "../../../core/fault.ts";
import { withoutControls } from "../../../core/text/plain-text.ts";
import { isStartedByLine, type LineService, type Service } from "../../../core/plan/service.ts";
import { formatDuration } from "../../../core/time/time.ts";
import { lastLines } from "../../../local/log-file.ts";
import type { ProcessIdentity } from "../../../local/process-identity.ts";
import { environmentToBuild } from "./allowed-environment.ts";
import { missingEnvironmentFiles } from "./copied-files.ts";
import { runLogged } from "./logged-command.ts";
import { shellLine } from "../place-holders.ts";
import type { PreparePlace } from "./prepare.ts";
import { serviceFolder, type VersionFolder } from "./version-folder.ts";

export interface Build extends PreparePlace {
  readonly target: VersionFolder;
  readonly services: readonly Service[];
  readonly signal: AbortSignal;
  /** `prepare` lines make the folder and run in the plan file's; `build` lines run in the service's. */
  readonly kind: "prepare" | "build";
  onStart(identity: ProcessIdentity | null): void;
}

/** How many last lines of a failed build are shown. */
const SHOWN = 15;

/** Runs each service's line, one after the other; services that share a line and a folder share its run. */
export async function runBuild(build: Build): Promise<void> {
  const done = new Set<string>();
  for (const service of build.services.filter(isStartedByLine)) {
    const line = service.runtime[build.kind];
    const directory = build.kind === "prepare" ? build.planFolder : serviceFolder(build.target.directory, service);
    const key = JSON.stringify([line, directory]);
    if (line === undefined || done.has(key)) continue;
    done.add(key);
    await runOne(build, service, line, directory);
  }
}

async function runOne(build: Build, service: LineService, line: string, directory: string): Promise<void> {
  const environment = environmentToBuild(build.env);
  const own = { version: build.target.version, dir: build.target.directory };
  const command = shellLine(line, own, (name) => environment[name], `\`${build.kind}\` of ${service.name}`);
  if (statSync(directory, { throwIfNoEntry: false })?.isDirectory() !== true)
    throw directoryMissing(service, directory);
  const logFile = build.folder.file("logs", `${build.kind}-${basename(build.target.root)}-${service.name}.log`);
  await mkdir(build.folder.file("logs"), { recursive: true, mode: 0o700 });
  await rm(logFile, { force: true });
  const startedAt = performance.now();
  const { code, signal } = await runLogged({
    line: command,
    directory,
    environment,
    logFile,
    signal: build.signal,
    onStart: (identity) => build.onStart(identity),
  });
  if (code === 0) return;
  const how = signal === null ? `ended with code ${code}` : `was ended by ${signal}`;
  const took = formatDuration(performance.now() - startedAt);
  throw new FaultError(await failed(build, service, `${how} after ${took}`, { line, command, directory, logFile }));
}

async function failed(
  build: Build,
  service: LineService,
  how: string,
  { line, command, directory, logFile }: { line: string; command: string; directory: string; logFile: string },
): Promise<Fault> {
  const missing = await missingEnvironmentFiles(build.planFolder, build.target.directory, service.runtime);
  const fixes = [
    ...(missing.length > 0
      ? [
          `${missing.join(" and ")} is not in git, so the version's folder lacks it; if the build needs it: \`files: [${missing.join(", ")}]\``,
        ]
      : []),
    `try it by hand: cd ${directory} && ${command}`,
  ];
  return {
    code: "build-failed",
    what: `The ${build.kind} of ${service.name} ${how}: ${line}`,
    where: logFile,
    detail: (await lastLines(logFile, SHOWN)).map(withoutControls),
    fix: fixes.join("\n"),
  };
}

function directoryMissing(service: LineService, directory: string): FaultError {
  return new FaultError({
    code: "directory-missing",
    what: `The folder of ${service.name} does not exist in this version.`,
    where: directory,
    fix: `correct \`directory: ${service.runtime.directory}\` of ${service.name}, or release a version that has it`,
  });
}
