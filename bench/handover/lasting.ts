import { connect, type Socket } from "node:net";
import { setTimeout as delay } from "node:timers/promises";

/** What became of connections that last, by kind. */
export interface LastingCounts {
  /** Begun, each again as soon as it had ended. */
  readonly begun: number;
  /** Ended as its protocol has it: an answer, a Close with 1001, an end between two events. */
  readonly inOrder: number;
  /** Cut, refused, or wrongly answered. */
  readonly failed: number;
  readonly failures: readonly string[];
}

export interface Lasting {
  readonly webSockets: LastingCounts;
  readonly eventStreams: LastingCounts;
  readonly uploads: LastingCounts;
  /** Ends them; what is cut by that counts no more. */
  stop(): Promise<void>;
}

type Ending = { readonly ok: true } | { readonly ok: false; readonly why: string };

const SHOWN = 5;
const PING = Buffer.from("81840102030471696d63", "hex");
const CLOSE_1001 = Buffer.from("880203e9", "hex");
/** The same Close, as a client must send it. */
const CLOSE_OF_CLIENT = Buffer.from("88820000000003e9", "hex");
const UPLOAD_PIECES = 20;
const PIECE = "u".repeat(10_000);

/** Keeps so many of each kind open through a port, each begun anew when it has ended. */
export function startLasting(port: number, each: number, uploadMs: number): Lasting {
  const stopped = new AbortController();
  const walks: Promise<void>[] = [];
  const open = new Set<Socket>();
  const keep = (run: (socket: Socket) => Promise<Ending>): LastingCounts => {
    const counts = { begun: 0, inOrder: 0, failed: 0, failures: [] as string[] };
    for (let i = 0; i < each; i += 1) walks.push(walk(counts, run));
    return counts;
  };
  const walk = async (
    counts: { begun: number; inOrder: number; failed: number; failures: string[] },
    run: (socket: Socket) => Promise<Ending>,
  ): Promise<void> => {
    while (!stopped.signal.aborted) {
      const socket = connect({ host: "127.0.0.1", port, noDelay: true });
      open.add(socket);
      counts.begun += 1;
      const ending = await run(socket);
      socket.destroy();
      open.delete(socket);
      if (stopped.signal.aborted) return;
      if (ending.ok) counts.inOrder += 1;
      else {
        counts.failed += 1;
        if (counts.failures.length < SHOWN) counts.failures.push(ending.why);
      }
    }
  };
  return {
    webSockets: keep(webSocket),
    eventStreams: keep(eventStream),
    uploads: keep((socket) => upload(socket, uploadMs)),
    async stop() {
      stopped.abort();
      for (const socket of open) socket.destroy();
      await Promise.all(walks);
    },
  };
}

/** Sends frames and wants each back; ends when it is asked to. */
async function webSocket(socket: Socket): Promise<Ending> {
  let sent = 0;
  let back = 0;
  let isAsked = false;
  let text = Buffer.alloc(0);
  let isOpen = false;
  const timer = setInterval(() => {
    if (!isOpen || isAsked) return;
    sent += 1;
    socket.write(PING);
  }, 50);
  const ended = untilClosed(socket, (bytes) => {
    text = Buffer.concat([text, bytes]);
    if (!isOpen) {
      const head = text.indexOf("\r\n\r\n");
      if (head === -1) return;
      isOpen = text.subarray(0, head).includes("101 Switching");
      text = text.subarray(head + 4);
    }
    for (;;) {
      if (text.subarray(0, PING.length).equals(PING)) {
        back += 1;
        text = text.subarray(PING.length);
      } else if (!isAsked && text.subarray(0, CLOSE_1001.length).equals(CLOSE_1001)) {
        isAsked = true;
        socket.end(CLOSE_OF_CLIENT);
        return;
      } else return;
    }
  });
  socket.write("GET /socket HTTP/1.1\r\nHost: shop\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n");
  const error = await ended;
  clearInterval(timer);
  if (!isOpen) return { ok: false, why: `no WebSocket: ${error}` };
  // The last frames may have crossed the Close.
  if (isAsked && sent - back <= 2) return { ok: true };
  return { ok: false, why: `cut after ${back} of ${sent} frames: ${error}` };
}

/** Reads events until the stream ends, which it must do between two of them. */
async function eventStream(socket: Socket): Promise<Ending> {
  let text = "";
  const ended = untilClosed(socket, (bytes) => {
    text += bytes.toString("latin1");
    if (text.endsWith("\r\n0\r\n\r\n")) socket.end();
  });
  socket.write("GET /events HTTP/1.1\r\nHost: shop\r\n\r\n");
  const error = await ended;
  if (text.endsWith("\r\n0\r\n\r\n") && text.includes(" 200 ")) return { ok: true };
  return { ok: false, why: `cut: ${error} ${JSON.stringify(text.slice(-60))}` };
}

/** Sends a body piece by piece, and wants to hear how long it was. */
async function upload(socket: Socket, lastsMs: number): Promise<Ending> {
  const length = UPLOAD_PIECES * PIECE.length;
  let text = "";
  const ended = untilClosed(socket, (bytes) => void (text += bytes.toString("latin1")));
  socket.write(`POST /upload HTTP/1.1\r\nHost: shop\r\nConnection: close\r\nContent-Length: ${length}\r\n\r\n`);
  for (let piece = 0; piece < UPLOAD_PIECES && !socket.destroyed; piece += 1) {
    socket.write(PIECE);
    await delay(lastsMs / UPLOAD_PIECES);
  }
  const error = await ended;
  if (text.includes(" 200 ") && text.endsWith(`\r\n\r\n${length}`)) return { ok: true };
  return { ok: false, why: `${error} ${JSON.stringify(text.slice(0, 60))}` };
}

/** Resolves with the error, or "closed". */
function untilClosed(socket: Socket, onData: (bytes: Buffer) => void): Promise<string> {
  return new Promise((resolve) => {
    let error = "closed";
    socket.on("data", onData);
    socket.on("error", ({ message }) => (error = message));
    socket.once("close", () => resolve(error));
  });
}
