import type { Server } from "node:http";
import type { AddressInfo } from "node:net";

/** The backend that a contestant forwards to: its first argument. */
export const BACKEND = `http://127.0.0.1:${process.argv[2]}`;

/** Listens somewhere and tells where. */
export function announce(server: Server): void {
  server.listen(0, "127.0.0.1", () => process.stdout.write(`${(server.address() as AddressInfo).port}\n`));
}
