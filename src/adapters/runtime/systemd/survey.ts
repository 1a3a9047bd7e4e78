import { withoutFullStop } from "../../../core/text/plain-text.ts";
import { execFile } from "node:child_process";
import { accessSync, constants, existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { userInfo } from "node:os";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { faultOf } from "../../../core/fault.ts";
import type { Plan } from "../../../core/plan/plan.ts";
import { isOfKind, type ServiceOf } from "../../../core/plan/service.ts";
import type { StateFolder } from "../../../local/state-folder.ts";
import type { Notice } from "../../../ports/notice.ts";
import { NO_SYSTEMD, NO_USER_MANAGER, type Systemctl, systemctl as systemctlOf } from "./systemctl.ts";
import { unitPlace } from "./unit-place.ts";
import { isWrittenFor } from "./unit-text.ts";
import { verifyProperties } from "./verified-properties.ts";

export interface SurveySettings {
  readonly plan: Plan;
  /** The state folder. */
  readonly folder: StateFolder;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** By default where systemd looks for the units of whoever this process runs as. */
  readonly unitsFolder?: string;
  /** By default whom this process runs as. */
  readonly uid?: number;
}

const ABOUT = "systemd";
/** Where logind notes whose services run without anybody logged in. */
const LINGER = "/var/lib/systemd/linger";

/** What a person should know before systemd is to run services. Changes nothing. */
export async function surveySystemd({
  plan,
  folder,
  env,
  unitsFolder,
  uid,
}: SurveySettings): Promise<readonly Notice[]> {
  const services = plan.services.filter(isOfKind("systemd"));
  const systemctl = systemctlOf(env, uid);
  const manager = await lookAtManager(systemctl);
  if (manager.level === "bad") return [manager];
  const units = await unitPlace(folder, systemctl, env, unitsFolder).unitsFolder();
  const ofServices = await Promise.all(services.map((service) => lookAtAccount(service, systemctl.scope, folder)));
  const ofProperties = await Promise.all(services.map((service) => verifyProperties(service, systemctl)));
  const runs = services.map(({ name }): Notice => ({
    about: name,
    level: "info",
    sentence: `systemd runs it as tidegate-${plan.app}-${plan.environment}-${name}-SLOT-VERSION@NUMBER.service, and starts it at boot`,
  }));
  return [
    manager,
    ...runs,
    ...lookAtLinger(systemctl),
    ...lookAtFolder(units),
    ...foreignUnits(units, folder, plan),
    ...ofServices.flat(),
    ...ofProperties.flat(),
  ];
}

async function lookAtManager(systemctl: Systemctl): Promise<Notice> {
  try {
    const { scope, version } = await systemctl.manager();
    const { output } = await systemctl.run("is-system-running");
    const state = output.trim();
    const whose = scope === "system" ? "the system's own" : "this user's own";
    if (!["offline", "unknown", ""].includes(state))
      return { about: ABOUT, level: "ok", sentence: `${whose}, ${version}, ${state}` };
    // Source: sd_booted(3).
    return scope === "user" && existsSync("/run/systemd/system")
      ? { about: ABOUT, level: "bad", sentence: "this user has none of their own running", fix: NO_USER_MANAGER }
      : { about: ABOUT, level: "bad", sentence: "it does not run here", fix: NO_SYSTEMD };
  } catch (error) {
    const { what, cause, fix } = faultOf(error, "runtime-unreachable", "it can't be asked.");
    const sentence = `${withoutFullStop(what)}${cause === undefined ? "" : `: ${cause}`}`;
    return { about: ABOUT, level: "bad", sentence, ...(fix === undefined ? {} : { fix }) };
  }
}

function lookAtLinger({ scope }: Systemctl): readonly Notice[] {
  if (scope === "system" || !existsSync(LINGER)) return [];
  const { username } = userInfo();
  if (existsSync(join(LINGER, username))) return [];
  return [
    {
      about: ABOUT,
      level: "warn",
      sentence: `${username}'s services end when ${username} logs out, and do not start at boot`,
      fix: `loginctl enable-linger ${username}`,
    },
  ];
}

/** One that is to be made is made in the first above it that is there. */
function lookAtFolder(unitsFolder: string): readonly Notice[] {
  let there = unitsFolder;
  while (!existsSync(there) && dirname(there) !== there) there = dirname(there);
  try {
    accessSync(there, constants.W_OK);
    return [];
  } catch {
    return [
      {
        about: ABOUT,
        level: "bad",
        sentence: `units can't be written to ${unitsFolder}`,
        fix: `give this user the right to write to ${there}`,
      },
    ];
  }
}

/** Units that have a name as Tidegate would give one, and are none of this state folder. */
function foreignUnits(
  unitsFolder: string,
  folder: StateFolder,
  { app, environment, services }: Plan,
): readonly Notice[] {
  const starts = services.filter(isOfKind("systemd")).map(({ name }) => `tidegate-${app}-${environment}-${name}-`);
  return namesIn(unitsFolder)
    .filter((name) => name.includes("@.service") && starts.some((start) => name.startsWith(start)))
    .filter((name) => !isWrittenFor(read(join(unitsFolder, name)), folder.path))
    .map((name) => ({
      about: name,
      level: "warn",
      sentence: `it lies in ${unitsFolder}, has a name as Tidegate gives them, and was not written for this state folder; a version of that name can't be released`,
      fix: "remove it, or call the app, the environment or the service otherwise",
    }));
}

async function lookAtAccount(
  { name, runtime: { user, group } }: ServiceOf<"systemd">,
  scope: Systemctl["scope"],
  folder: StateFolder,
): Promise<readonly Notice[]> {
  if (scope === "user") {
    if (user === undefined && group === undefined) return [];
    const key = user === undefined ? "group" : "user";
    const sentence = `\`${key}\` is of the system's services, and who releases is not root: systemd runs it as this user`;
    return [{ about: name, level: "bad", sentence, fix: `remove \`${key}\`, or release as root` }];
  }
  if (user === undefined) {
    return [
      { about: name, level: "warn", sentence: "it runs as root", fix: "give it an account: `systemd: { user: NAME }`" },
    ];
  }
  const uid = await idOf(user);
  if (uid === null) {
    return [{ about: name, level: "bad", sentence: `there is no user ${user}`, fix: `useradd --system ${user}` }];
  }
  const closed = closedTo(uid, dirname(folder.path));
  if (closed === null) return [];
  return [
    {
      about: name,
      level: "bad",
      sentence: `${user} may not enter ${closed}, in which the version's folder lies`,
      fix: `chmod o+x ${closed}, or keep the plan file elsewhere`,
    },
  ];
}

async function idOf(user: string): Promise<number | null> {
  try {
    const { stdout } = await promisify(execFile)("id", ["-u", "--", user]);
    return Number(stdout.trim());
  } catch {
    return null;
  }
}

/** The topmost folder above that this user may not enter; groups apart. null: none. */
function closedTo(uid: number, folder: string): string | null {
  if (uid === 0) return null;
  const above = dirname(folder) === folder ? null : closedTo(uid, dirname(folder));
  if (above !== null) return above;
  const found = statSync(folder, { throwIfNoEntry: false });
  if (found === undefined) return null;
  const mayEnter = (found.mode & (found.uid === uid ? 0o100 : 0o011)) !== 0;
  return mayEnter ? null : folder;
}

function namesIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

function read(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}
