// Answers every request with its own pid: what the keeper needs of a data plane and nothing more.
import { createServer, type Server } from "node:http";
import type { Server as NetServer } from "node:net";
import { serveControl } from "../../src/local/control-socket.ts";
import { stateFolder } from "../../src/local/state-folder.ts";
import { type ListenerMessage, type ListenersDone, PROXY_SOCKET } from "../../src/proxy/protocol.ts";

const open = new Map<string, Server>();
const folder = stateFolder(process.argv.at(-1) ?? "");
await serveControl(folder.socket(PROXY_SOCKET), () => ({ listening: [...open.keys()] }));

process.on("message", (message: ListenerMessage | ListenersDone, handle: NetServer | undefined) => {
  if (message.type === "listeners-done") {
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
