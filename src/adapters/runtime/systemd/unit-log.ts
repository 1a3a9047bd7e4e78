import type { Systemctl } from "./systemctl.ts";
import type { UnitRecord } from "./unit-records.ts";

/** What the instance itself wrote, oldest first; systemd's own words on it are left out. */
export function unitLog(systemctl: Systemctl, { unit }: UnitRecord, lines: number): Promise<readonly string[]> {
  const field = systemctl.scope === "system" ? "_SYSTEMD_UNIT" : "_SYSTEMD_USER_UNIT";
  return systemctl.journal([`${field}=${unit}`], lines);
}

/** How a person reads the whole of it. */
export function logCommand({ scope }: Systemctl, { unit }: UnitRecord): string {
  return scope === "system" ? `journalctl -u '${unit}'` : `journalctl --user -u '${unit}'`;
}
