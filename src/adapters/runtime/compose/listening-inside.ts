import { readFileSync } from "node:fs";
import { parseTcpTable } from "../../../local/listening-sockets.ts";
import type { Inspected } from "./containers.ts";
import type { FailedContainer } from "./explain-container.ts";

/** What listens inside a container of this machine, where its processes may be looked at. */
export function listeningInside({ State: { Pid } }: Inspected): FailedContainer["listening"] {
  if (Pid <= 0) return null;
  try {
    const tables = ["tcp", "tcp6"].flatMap((name) => parseTcpTable(readFileSync(`/proc/${Pid}/net/${name}`, "utf8")));
    // Where the engine's own resolver listens.
    const apps = tables.filter(({ address }) => address !== "127.0.0.11");
    return apps.map(({ address, port }) => ({ port, isLoopback: address.startsWith("127.") || address === "::1" }));
  } catch {
    return null;
  }
}
