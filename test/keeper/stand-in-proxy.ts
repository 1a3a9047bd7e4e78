// Answers every request with its own pid: what the keeper needs of a data plane and nothing more. One that takes over
// tells the one before to leave when it accepts itself.
import { readFileSync, unlinkSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { Server as NetServer } from "node:net";
import { serveControl } from "../../src/local/control-socket.ts";
import { isSameProcess, identify, type ProcessIdentity } from "../../src/local/process-identity.ts";
import { stateFolder } from "../../src/local/state-folder.ts";
import { type ListenerMessage, type ListenersDone, PROXY_SOCKET } from "../../src/proxy/protocol.ts";

const open = new Map<string, Server>();
const folder = stateFolder(process.argv.at(-1) ?? "");
const inCharge = folder.file("stand-in.json");
const before = identityIn(inCharge);
if (before !== null) unlinkSync(folder.socket(PROXY_SOCKET));
await serveControl(folder.socket(PROXY_SOCKET), () => ({ listening: [...open.keys()] }));
writeFileSync(inCharge, JSON.stringify(identify(process.pid)));

process.on("message", (message: ListenerMessage | ListenersDone, handle: NetServer | undefined) => {
  if (message.type === "listeners-done") {
    if (before !== null && isSameProcess(before)) process.kill(before.pid, "SIGTERM");
    process.send?.({ type: "ready" });
    return;
  }
  const key = `${message.listener.host}:${message.listener.port}`;
  if (open.has(key)) return;
  open.set(
    key,
    createServer((_request, response) => {
      response.setHeader("connection", "close");
      response.end(String(process.pid));
    }).listen(handle),
  );
});
process.on("disconnect", () => undefined);
process.on("SIGTERM", () => {
  const closed = [...open.values()].map((server) => new Promise((resolve) => server.close(resolve)));
  void Promise.all(closed).then(() => process.exit(0));
});

function identityIn(path: string): ProcessIdentity | null {
  try {
    const identity = JSON.parse(readFileSync(path, "utf8")) as ProcessIdentity;
    return isSameProcess(identity) ? identity : null;
  } catch {
    return null;
  }
}
