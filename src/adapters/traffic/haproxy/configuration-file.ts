import { spawn } from "node:child_process";
import { existsSync, readFileSync, statSync } from "node:fs";
import { chmod, chown, copyFile, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import type { Readable } from "node:stream";
import { text } from "node:stream/consumers";
import { FaultError } from "../../../core/fault.ts";
import type { HaproxyPlan } from "../../../core/plan/traffic.ts";
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
  configuration: string,
  plan: FragmentPlan,
  haproxy: HaproxyPlan,
): Promise<CheckedConfiguration> {
  const folder = await mkdtemp(join(tmpdir(), "tidegate-haproxy-check-"));
  try {
    const path = join(folder, "haproxy.cfg");
    // Files that are not there yet must not make it look wrong: the check sees empty ones.
    const { files } = fragmentOf(plan, haproxy);
    let checked = configuration;
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
    return await askHaproxy(path, inheritedIn(configuration));
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function askHaproxy(path: string, descriptors: number): Promise<CheckedConfiguration> {
  const inherited = Array.from({ length: descriptors }, () => "pipe" as const);
  const child = spawn("haproxy", ["-c", "-f", path], {
    stdio: ["ignore", "ignore", "pipe", ...inherited],
    timeout: CHECK_MS,
  });
  const ended = Promise.withResolvers<boolean | null>();
  child.once("error", (error: NodeJS.ErrnoException) =>
    error.code === "ENOENT" ? ended.resolve(null) : ended.reject(error),
  );
  child.once("close", (code) => ended.resolve(code === 0));
  const [isValid, said] = await Promise.all([ended.promise, text(child.stderr as Readable)]);
  return { isValid, said: saidIn(said, path) };
}

/** Above all that a supervisor hands over. */
const MOST_DESCRIPTORS = 64;

/**
 * How many sockets a supervisor hands over to it (`bind fd@3` is the first): it refuses to look at a configuration that
 * names one it has not got. For a look any socket will do.
 */
function inheritedIn(configuration: string): number {
  const named = [...configuration.matchAll(/\bfd@(\d+)/g)].map(([, descriptor]) => Number(descriptor) - 2);
  return Math.min(MOST_DESCRIPTORS, Math.max(0, ...named));
}

/**
 * Writes the configuration in the place of the one that was read, keeping that beside it, and the first files with which
 * HAProxy starts. Answers where the old one lies. Faults: haproxy-configuration-not-written.
 */
export async function writeConfiguration(
  path: string,
  configuration: string,
  plan: FragmentPlan,
  haproxy: HaproxyPlan,
): Promise<string> {
  const kept = join(dirname(path), `${basename(path)}.before-tidegate`);
  try {
    await makeFirstFiles(plan, haproxy);
    const { mode, uid, gid } = statSync(path);
    await copyFile(path, kept);
    await writeFileAtomically(path, configuration, mode & 0o777);
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
