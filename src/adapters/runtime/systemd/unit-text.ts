import { join, relative, sep } from "node:path";
import { commandLine, unitPath, unitText, unitWord } from "../../../core/text/unit-words.ts";
import type { ServiceOf } from "../../../core/plan/service.ts";
import { shellCommand } from "../../../local/shell-command.ts";
import type { StartOrder } from "../../../ports/runtime.ts";
import { shortVersionName } from "../instance-id.ts";
import { serviceFolder } from "../versions/version-folder.ts";
import type { Manager } from "./systemctl.ts";

/** An order for a service of systemd's. */
export type UnitOrder = StartOrder & { readonly service: ServiceOf<"systemd"> };

export interface UnitMaterial {
  readonly order: UnitOrder;
  readonly manager: Manager;
  /** For `/bin/sh -c`, with `PORT_PLACE` where each instance's own port is meant. Holds no secret. */
  readonly command: string;
  readonly statePath: string;
}

/** Stands for the port in a template's line, because each instance has its own: shells make nothing of it. */
export const PORT_PLACE = "TIDEGATE_PORT_OF_THE_INSTANCE";

/** What an instance's port is called in its environment file. */
export const PORT_NAME = "TIDEGATE_PORT";

/** Where each unit has a folder of its own, below the state folder. */
export const UNITS_FOLDER = ["systemd", "units"] as const;
export const ENVIRONMENT_FILE = "environment";
export const EXIT_FILE = "exit";

/** From 254 on systemd lengthens the wait by itself; before, one wait serves the first crash and the hundredth. */
const GROWING_WAITS_SINCE = 254;

/**
 * The template of a version's instances in a slot. What differs between them (port, environment) is in a file of mode
 * 0600 for each; what is secret is nowhere else. Sources: systemd.service(5), systemd.exec(5), systemd.kill(5),
 * systemd.resource-control(5).
 */
export function templateText(material: UnitMaterial): string {
  const { order, manager, statePath } = material;
  const { app, environment, service, slot, version } = order;
  const isSystem = manager.scope === "system";
  const target = isSystem ? "multi-user.target" : "default.target";
  const title = `${service.name} of ${app} (${environment}), ${slot}, ${shortVersionName(version)}`;
  return [
    `# Written by Tidegate for ${unitText(statePath)}. What is changed here is lost with the next release.`,
    "[Unit]",
    // The specifier stands outside of what is escaped.
    `Description=${unitText(title)}, instance %i`,
    ...(isSystem ? ["Wants=network-online.target", "After=network-online.target"] : []),
    // It is never given up: a release that is bad is put back, and stable must come back whenever it can.
    "StartLimitIntervalSec=0",
    "",
    "[Service]",
    "Type=exec",
    ...account(service.runtime, isSystem),
    `WorkingDirectory=${unitPath(serviceFolder(order.directory, service))}`,
    `EnvironmentFile=${unitFolderPath(statePath)}/${ENVIRONMENT_FILE}`,
    `ExecStart=${commandLine(["/bin/sh", "-c", shellCommand(material.command)]).replaceAll(PORT_PLACE, `\${${PORT_NAME}}`)}`,
    `ExecStopPost=${noteExit(statePath, isSystem)}`,
    "Restart=always",
    ...(manager.version >= GROWING_WAITS_SINCE
      ? ["RestartSec=250ms", "RestartSteps=7", "RestartMaxDelaySec=30s"]
      : ["RestartSec=500ms"]),
    // None would be for ever.
    `TimeoutStopSec=${Math.max(1, service.stopMs)}ms`,
    `SyslogIdentifier=${unitText(service.name)}`,
    "CPUAccounting=yes",
    "MemoryAccounting=yes",
    ...limits(service.runtime),
    ...hardening(material),
    ...Object.entries(service.runtime.properties).flatMap(([name, values]) =>
      values.map((value) => `${name}=${value}`),
    ),
    "",
    "[Install]",
    `WantedBy=${target}`,
    "",
  ].join("\n");
}

/** Whether a unit's text is Tidegate's own, of this state folder. */
export function isWrittenFor(text: string, statePath: string): boolean {
  return text.startsWith(`# Written by Tidegate for ${unitText(statePath)}. `);
}

/** The folder of a unit's files. */
export function unitFolder(unit: string): readonly string[] {
  return [...UNITS_FOLDER, unit];
}

/** The same as a unit writes it: `%n` is its own name. Whatever a glob would be is only a name here. */
function unitFolderPath(statePath: string): string {
  return `${unitPath([statePath, ...UNITS_FOLDER].join("/")).replaceAll(/[*?[\]]/g, (letter) => `\\${letter}`)}/%n`;
}

/** systemd forgets how a service ended as soon as it runs again. A disk that is full takes nothing, and harms nothing. */
function noteExit(statePath: string, isSystem: boolean): string {
  // `%n`, the unit's own name, is filled in by systemd; a percent sign of the path stands doubled.
  const line = `echo "$SERVICE_RESULT $EXIT_CODE $EXIT_STATUS" > "$1/$2/${EXIT_FILE}"`;
  const words = commandLine(["/bin/sh", "-c", line, "sh", [statePath, ...UNITS_FOLDER].join("/")]);
  return `${isSystem ? "-+" : "-"}${words} %n`;
}

function account({ user, group }: UnitOrder["service"]["runtime"], isSystem: boolean): readonly string[] {
  if (!isSystem) return [];
  // With a name systemd sets HOME and its like, without one it does not.
  return [`User=${user ?? "root"}`, ...(group === undefined ? [] : [`Group=${group}`])];
}

function limits({ slice, memoryMax, cpuQuota }: UnitOrder["service"]["runtime"]): readonly string[] {
  return [
    ...(slice === undefined ? [] : [`Slice=${slice}`]),
    ...(memoryMax === undefined ? [] : [`MemoryMax=${memoryMax}`]),
    ...(cpuQuota === undefined ? [] : [`CPUQuota=${cpuQuota}`]),
  ];
}

/** What no app of the usual kind needs. More of it, such as NoNewPrivileges, would take a mail program's rights away. */
function hardening({ order, manager, statePath }: UnitMaterial): readonly string[] {
  if (manager.scope === "user") return [];
  const { user } = order.service.runtime;
  return [
    "ProtectSystem=full",
    "ProtectControlGroups=yes",
    "CapabilityBoundingSet=~CAP_SYS_ADMIN CAP_SYS_MODULE CAP_SYS_RAWIO CAP_SYS_BOOT CAP_SYS_TIME CAP_MAC_ADMIN CAP_MAC_OVERRIDE",
    // Whoever it runs as may not enter the state folder, which holds journals and secrets: of it there is its version alone.
    ...(user === undefined || user === "root"
      ? []
      : [
          `TemporaryFileSystem=${mountPath(statePath)}:ro,mode=0755`,
          `BindPaths=${mountPath(versionRootOf(order.directory, statePath))}`,
          // For the note of how it ended; root alone may enter.
          `BindPaths=${mountPath([statePath, ...UNITS_FOLDER].join("/"))}`,
        ]),
  ];
}

/** The whole worktree, where the plan file lies deeper in its repository. */
function versionRootOf(directory: string, statePath: string): string {
  const versions = join(statePath, "versions");
  const [name = ""] = relative(versions, directory).split(sep);
  return join(versions, name);
}

/** Colons divide there. */
function mountPath(path: string): string {
  return unitWord(path.replaceAll(":", "\\:"));
}
