import { homedir } from "node:os";
import { join } from "node:path";
import type { StateFolder } from "../../../local/state-folder.ts";
import type { Systemctl } from "./systemctl.ts";

/** Where units are written and who runs them. */
export interface UnitPlace {
  readonly folder: StateFolder;
  readonly systemctl: Systemctl;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Of the unit files. */
  readonly unitsFolder: string;
}

export function unitPlace(
  folder: StateFolder,
  systemctl: Systemctl,
  env: UnitPlace["env"],
  unitsFolder = usualFolder(systemctl.scope, env),
): UnitPlace {
  return { folder, systemctl, env, unitsFolder };
}

function usualFolder(scope: Systemctl["scope"], env: UnitPlace["env"]): string {
  if (scope === "system") return "/etc/systemd/system";
  return join(env["XDG_CONFIG_HOME"] || join(env["HOME"] || homedir(), ".config"), "systemd", "user");
}
