import { homedir } from "node:os";
import { join } from "node:path";
import type { StateFolder } from "../../../local/state-folder.ts";
import type { Systemctl } from "./systemctl.ts";

/** Where units are written and who runs them. */
export interface UnitPlace {
  readonly folder: StateFolder;
  readonly systemctl: Systemctl;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Of the unit files, where this systemd looks for them. */
  unitsFolder(): Promise<string>;
}

/** `unitsFolder`: another than the usual one. */
export function unitPlace(
  folder: StateFolder,
  systemctl: Systemctl,
  env: UnitPlace["env"],
  unitsFolder?: string,
): UnitPlace {
  let known: Promise<string> | undefined;
  return {
    folder,
    systemctl,
    env,
    unitsFolder: () =>
      (known ??= unitsFolder === undefined ? usualFolder(systemctl, env) : Promise.resolve(unitsFolder)),
  };
}

/** A user's own systemd may have been told of another home than this process (`sudo -u`): so it is asked. */
async function usualFolder(systemctl: Systemctl, env: UnitPlace["env"]): Promise<string> {
  if (systemctl.scope === "system") return "/etc/systemd/system";
  const { output } = await systemctl.run("show", "--property=UnitPath", "--value");
  const told = output.split(/\s+/).find((path) => path.endsWith("/systemd/user"));
  return told ?? join(env["XDG_CONFIG_HOME"] || join(env["HOME"] || homedir(), ".config"), "systemd", "user");
}
