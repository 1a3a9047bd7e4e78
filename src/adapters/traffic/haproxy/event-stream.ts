import type { Socket } from "node:net";
import type { HaproxyAddress } from "../../../core/plan/traffic.ts";
import type { Duration } from "../../../core/time/time.ts";
import { dial } from "./runtime-socket.ts";

export interface EventStream extends Disposable {
  readonly isOpen: () => boolean;
}

/**
 * HAProxy is woken for each line while somebody waits for it, and that costs it more than the line. So lines are fetched
 * many at a time; what comes meanwhile waits in the ring.
 */
const REST_MS: Duration = 200;
const READ_MS: Duration = 5;
/** Pieces of this many characters say that there is more to fetch: HAProxy sends 16 KB at most. */
const MORE_TO_FETCH = 8_192;

/**
 * Follows a log ring over the runtime socket: what it still holds, then every line as it comes. Nobody has to listen
 * anywhere for that, nobody else can put lines into it, and while no engine looks HAProxy keeps the newest.
 */
export function followRing(address: HaproxyAddress, ring: string, onLine: (line: string) => void): EventStream {
  let isOpen = true;
  let part = "";
  const socket: Socket = dial(address);
  // Looking must keep no process alive.
  socket.unref();
  socket.setEncoding("utf8");
  socket.on("connect", () => socket.write(`prompt;set timeout cli 24h;show events ${ring} -w\n`));
  let fetchesSince = 0;
  const rest = (): void => {
    socket.pause();
    setTimeout(() => {
      fetchesSince = performance.now();
      socket.resume();
    }, REST_MS).unref();
  };
  socket.on("data", (text: string) => {
    const lines = (part + text).split("\n");
    part = lines.pop() ?? "";
    for (const line of lines) if (line !== "") onLine(line);
    if (text.length < MORE_TO_FETCH && performance.now() - fetchesSince > READ_MS) rest();
  });
  const end = (): void => {
    isOpen = false;
    socket.destroy();
  };
  socket.on("error", end);
  socket.on("close", end);
  return { isOpen: () => isOpen, [Symbol.dispose]: end };
}
