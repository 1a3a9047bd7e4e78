import type { Socket } from "node:net";
import type { HaproxyAddress } from "../../../core/plan/plan.ts";
import { dial } from "./runtime-socket.ts";

export interface EventStream extends Disposable {
  readonly isOpen: () => boolean;
}

/**
 * Follows a log ring over the runtime socket: what it still holds, then every line as it comes. Nobody has to listen
 * anywhere for that, nobody else can put lines into it, and while no engine looks HAProxy keeps the newest.
 */
export function followRing(address: HaproxyAddress, ring: string, onLine: (line: string) => void): EventStream {
  let isOpen = true;
  let rest = "";
  const socket: Socket = dial(address);
  // Looking must keep no process alive.
  socket.unref();
  socket.setEncoding("utf8");
  socket.on("connect", () => socket.write(`prompt;set timeout cli 24h;show events ${ring} -w\n`));
  socket.on("data", (text: string) => {
    const lines = (rest + text).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) if (line !== "") onLine(line);
  });
  const end = (): void => {
    isOpen = false;
    socket.destroy();
  };
  socket.on("error", end);
  socket.on("close", end);
  return { isOpen: () => isOpen, [Symbol.dispose]: end };
}
