import { join } from "node:path";
import { FaultError } from "../../../core/fault.ts";
import { writeFileAtomically } from "../../../local/atomic-file.ts";
import { type MapEntries, mapFileText } from "./map-entries.ts";
import type { HaproxyNames } from "./names.ts";
import type { WantedServer } from "./servers.ts";

/** Readable by HAProxy's group: it reads them at its start, before it gives up its rights, and at a reload. */
const MODE = 0o640;

/**
 * Writes what HAProxy begins with after a restart or reload: the shares, and where the instances are. Without them it would
 * begin with what was there when it was set up. Faults: table-not-saved.
 */
export async function writeRestartFiles(
  folder: string,
  names: HaproxyNames,
  entries: MapEntries,
  wanted: readonly WantedServer[],
): Promise<void> {
  try {
    // The servers first: shares without servers would be answered with 503.
    await writeFileAtomically(join(folder, names.serversFile), serversFileText(wanted), MODE);
    await writeFileAtomically(join(folder, names.mapFile), mapFileText(entries), MODE);
  } catch (error) {
    throw new FaultError(
      {
        code: "table-not-saved",
        what: "The shares are in force, but the files with which HAProxy starts again could not be written.",
        where: folder,
        cause: error instanceof Error ? error.message : String(error),
        fix: "give the folder to the user that releases, or make room; then: tidegate doctor",
      },
      { cause: error },
    );
  }
}

const COLUMNS =
  "be_id be_name srv_id srv_name srv_addr srv_op_state srv_admin_state srv_uweight srv_iweight srv_time_since_last_change srv_check_status srv_check_result srv_check_health srv_check_state srv_agent_state bk_f_forced_id srv_f_forced_id srv_fqdn srv_port srvrecord srv_use_ssl srv_check_port srv_check_addr srv_agent_addr srv_agent_port";

/**
 * HAProxy's server state file, version 1: which spare server of each backend is which instance. 4 says "in maintenance by
 * the configuration, and let out of it since", which alone makes a server that the configuration has disabled serve.
 */
export function serversFileText(wanted: readonly WantedServer[]): string {
  const used = new Map<string, number>();
  const lines = wanted
    .filter(({ endpoint }) => !endpoint.draining)
    .map(({ backend, address }) => {
      const index = (used.get(backend) ?? 0) + 1;
      used.set(backend, index);
      const colon = address.lastIndexOf(":");
      const host = address.slice(0, colon).replaceAll(/[[\]]/g, "");
      return `0 ${backend} ${index} spare${index} ${host} 2 4 1 1 0 6 3 4 6 0 0 0 - ${address.slice(colon + 1)} - 0 0 - - 0`;
    });
  return `1\n# ${COLUMNS}\n${lines.map((line) => `${line}\n`).join("")}`;
}
