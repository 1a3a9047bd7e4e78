import { execFile } from "node:child_process";
import { randomUUID } from "node:crypto";
import { existsSync, readdirSync } from "node:fs";
import { cp, mkdir, rename, rm } from "node:fs/promises";
import { dirname, isAbsolute, join, normalize, relative } from "node:path";
import { promisify } from "node:util";
import { FaultError } from "../../../core/fault.ts";
import { isStartedByLine, type LineService, type Service } from "../../../core/plan/service.ts";
import { git } from "./git.ts";

/**
 * Copies what the services list under `files` from the plan file's folder into the version's, with its permissions.
 * Each appears at once, so that a process that starts meanwhile reads the old file or the new one. Faults: file-missing.
 */
export async function copyFiles(from: string, to: string, services: readonly Service[]): Promise<void> {
  const files = new Map(
    services
      .filter(isStartedByLine)
      .flatMap((service) => service.runtime.files.map((file) => [normalize(file), service])),
  );
  for (const [file, service] of files) {
    if (isAbsolute(file) || file.startsWith("..")) throw outside(file, service);
    if (!existsSync(join(from, file))) throw missing(join(from, file), file, service);
    const target = join(to, file);
    const temporary = `${target}.${randomUUID().slice(0, 8)}.new`;
    await mkdir(dirname(target), { recursive: true });
    await cp(join(from, file), temporary, { recursive: true, preserveTimestamps: true });
    await giveAway(temporary, service);
    await rename(temporary, target).catch(async () => {
      // A folder is not replaced by a rename.
      await rm(target, { recursive: true, force: true });
      await rename(temporary, target);
    });
  }
}

/** To the account that is to read it: a copy that root made with mode 600 would be root's alone. */
async function giveAway(path: string, { name, runtime }: LineService): Promise<void> {
  if (runtime.kind !== "systemd" || runtime.user === undefined || process.getuid?.() !== 0) return;
  const account = `${runtime.user}:${runtime.group ?? ""}`;
  await promisify(execFile)("chown", ["-R", "--", account, path]).catch((error: unknown) => {
    throw new FaultError({
      code: "user-missing",
      what: `What ${name} lists under \`files\` can't be given to ${account}.`,
      where: path,
      cause: error instanceof Error ? (error.message.split("\n")[1] ?? error.message) : String(error),
      fix: "correct `user` and `group` of `systemd`, or make them: useradd --system",
    });
  });
}

/**
 * Files like `.env` that lie beside the plan file (or in the service's folder), but not in the version's folder, because
 * git ignores them and `files` doesn't list them: an app that fails at start often lacks just these.
 */
export async function missingEnvironmentFiles(
  planFolder: string,
  versionFolder: string,
  service: Pick<LineService["runtime"], "directory" | "files">,
): Promise<readonly string[]> {
  const folders = new Set([planFolder, join(planFolder, service.directory)]);
  const absent = [...folders]
    .flatMap((folder) => environmentFilesIn(folder).map((name) => relative(planFolder, join(folder, name))))
    .filter((file) => !existsSync(join(versionFolder, file)));
  const listed = new Set(service.files.map((file) => normalize(file)));
  const found: string[] = [];
  for (const file of absent) {
    if (listed.has(file)) continue;
    // Where git would have brought it, this version just doesn't have it.
    const tracked = await git(planFolder, ["ls-files", "--error-unmatch", "--", file]).catch(() => ({ ok: false }));
    if (!tracked.ok) found.push(file);
  }
  return found;
}

function environmentFilesIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder).filter((name) => /^\.env(?:\.(?!example$|sample$|template$|dist$)[\w.-]+)?$/.test(name));
  } catch {
    return [];
  }
}

function missing(path: string, file: string, service: Service): FaultError {
  return new FaultError({
    code: "file-missing",
    what: `${file} of ${service.name} does not exist beside the plan file.`,
    where: path,
    fix: `create it, or take it out of \`files\` of ${service.name}`,
  });
}

function outside(file: string, service: Service): FaultError {
  return new FaultError({
    code: "file-missing",
    what: `${file} of ${service.name} lies outside of the plan file's folder.`,
    fix: "name files inside of it, by their path from there",
  });
}
