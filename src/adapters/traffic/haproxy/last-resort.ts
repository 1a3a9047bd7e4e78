import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { RoutingTable } from "../../../core/traffic/routing.ts";
import type { LastResort } from "../../../ports/emergency-exit.ts";
import { entriesOf, type MapEntries, saidBy } from "./map-entries.ts";
import { haproxyNames } from "./names.ts";
import { numericServers } from "./numeric-hosts.ts";
import type { RememberedHaproxy } from "./remembered.ts";
import { writeRestartFiles } from "./restart-files.ts";

/** Where HAProxy answers nobody: the files with which it starts. Nobody starts it again but whoever runs it. */
export function createHaproxyLastResort({ app, environment, haproxy }: RememberedHaproxy): LastResort {
  const names = haproxyNames(app, environment);
  return {
    async read() {
      if (haproxy.files === null) return null;
      try {
        const { table, epoch } = saidBy(linesOf(readFileSync(join(haproxy.files, names.mapFile), "utf8")));
        return table === null ? null : { table, epoch };
      } catch {
        return null;
      }
    },
    async write(table: RoutingTable) {
      if (haproxy.files === null) return;
      const wanted = await numericServers(table, names);
      await writeRestartFiles(haproxy.files, names, entriesOf(table, table.epoch, null), wanted);
    },
    async startAnew() {
      return "HAProxy is started by whoever runs it, not by Tidegate: start it again, and it begins with all traffic on stable.";
    },
  };
}

function linesOf(text: string): MapEntries {
  return new Map(
    text.split("\n").flatMap((line) => {
      const space = line.indexOf(" ");
      return space <= 0 || line.startsWith("#") ? [] : [[line.slice(0, space), line.slice(space + 1)] as const];
    }),
  );
}
