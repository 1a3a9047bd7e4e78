import { execFile } from "node:child_process";
import { existsSync, readFileSync, statSync } from "node:fs";
import { chmod, chown, copyFile, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { promisify } from "node:util";
import { FaultError } from "../../../core/fault.ts";
import type { HaproxyPlan } from "../../../core/plan/plan.ts";
import { writeFileAtomically } from "../../../local/atomic-file.ts";
import { makeFolder } from "../../../local/make-folder.ts";
import { type FragmentPlan, fragmentOf } from "./fragment.ts";
import { entriesOf, mapFileText } from "./map-entries.ts";
import { haproxyNames } from "./names.ts";
import { serversFileText } from "./restart-files.ts";

/** What `haproxy -c` says of a configuration. */
export interface CheckedConfiguration {
  /** null: there is no `haproxy` here to ask (it runs in a container, for one). */
  readonly isValid: boolean | null;
  /** Its alerts and warnings. */
  readonly said: readonly string[];
}

const CHECK_MS = 20_000;

/** Faults: haproxy-configuration-unreadable. */
export function readConfiguration(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    throw fileFault("haproxy-configuration-unreadable", "HAProxy's configuration can't be read.", path, error);
  }
}

/** Has HAProxy check a text as if it stood in that file; nothing of it is changed. */
export async function checkConfiguration(
  text: string,
  plan: FragmentPlan,
  haproxy: HaproxyPlan,
): Promise<CheckedConfiguration> {
  const folder = await mkdtemp(join(tmpdir(), "tidegate-haproxy-check-"));
  try {
    const path = join(folder, "haproxy.cfg");
    // Files that are not there yet must not make it look wrong: the check sees empty ones.
    const { files } = fragmentOf(plan, haproxy);
    let checked = text;
    for (const [file, content] of [
      [files.map, ""],
      [files.servers, serversFileText([])],
    ] as const) {
      if (existsSync(file)) continue;
      const standIn = join(folder, basename(file));
      await writeFile(standIn, content);
      checked = checked.replaceAll(file, standIn);
    }
    await writeFile(path, checked, { mode: 0o600 });
    return await promisify(execFile)("haproxy", ["-c", "-f", path], { timeout: CHECK_MS }).then(
      ({ stderr }) => ({ isValid: true, said: saidIn(stderr, path) }),
      (error: NodeJS.ErrnoException & { readonly stderr?: string }) =>
        error.code === "ENOENT"
          ? { isValid: null, said: [] }
          : { isValid: false, said: saidIn(error.stderr ?? error.message, path) },
    );
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/**
 * Writes the configuration in the place of the one that was read, keeping that beside it, and the first files with which
 * HAProxy starts. Answers where the old one lies. Faults: haproxy-configuration-not-written.
 */
export async function writeConfiguration(
  path: string,
  text: string,
  plan: FragmentPlan,
  haproxy: HaproxyPlan,
): Promise<string> {
  const kept = join(dirname(path), `${basename(path)}.before-tidegate`);
  try {
    await makeFirstFiles(plan, haproxy);
    const { mode, uid, gid } = statSync(path);
    await copyFile(path, kept);
    await writeFileAtomically(path, text, mode & 0o777);
    await chmod(path, mode & 0o777);
    await chown(path, uid, gid).catch(() => undefined);
    return kept;
  } catch (error) {
    throw fileFault("haproxy-configuration-not-written", "HAProxy's configuration can't be written.", path, error);
  }
}

/** HAProxy does not start where its map is missing. */
async function makeFirstFiles(plan: FragmentPlan, { files }: HaproxyPlan): Promise<void> {
  if (files === null) return;
  const names = haproxyNames(plan.app, plan.environment);
  makeFolder(files, 0o750);
  const map = join(files, names.mapFile);
  const servers = join(files, names.serversFile);
  if (!existsSync(map)) await writeFileAtomically(map, mapFileText(entriesOf(null, 0, null)), 0o640);
  if (!existsSync(servers)) await writeFileAtomically(servers, serversFileText([]), 0o640);
}

/** `[ALERT] (123) : config : …`, without what is the same every time. */
function saidIn(stderr: string, path: string): readonly string[] {
  const said = stderr
    .split("\n")
    .filter((line) => /^\[(ALERT|WARNING)\]/.test(line))
    .map((line) => line.replace(/^\[(ALERT|WARNING)\]\s*\(\d+\) : (config : )?/, "").replaceAll(path, "haproxy.cfg"));
  return [...new Set(said)];
}

function fileFault(code: string, what: string, where: string, error: unknown): FaultError {
  const cause = error instanceof Error ? error.message : String(error);
  const fix =
    cause.includes("EACCES") || cause.includes("EPERM") ? "do it as root: sudo tidegate haproxy …" : undefined;
  return new FaultError({ code, what, where, cause, ...(fix === undefined ? {} : { fix }) }, { cause: error });
}
