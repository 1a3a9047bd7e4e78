import type { Duration } from "../core/time/time.ts";
import { type NamedSocket, SOCKETS_PROTOCOL } from "./give-sockets.ts";

/** A listening socket of another process, which this one has now as well. */
export interface TakenSocket extends NamedSocket {
  /** As node:cluster passes it to its workers: a TCP handle that is not accepted on. */
  readonly handle: SocketHandle;
}

export interface SocketHandle {
  getsockname(out: { port?: number }): number;
  close(): void;
}

const TAKES_MS: Duration = 5_000;

/**
 * Asks a process over its control socket for the listening sockets that it has. Empty where nobody answers, where it has
 * none, and where this Node has no way to do it: then they stay that process's alone.
 */
export function takeSockets(controlSocket: string): Promise<readonly TakenSocket[]> {
  const pipes = internalPipes();
  if (pipes === null) return Promise.resolve([]);
  return new Promise((resolve) => {
    const taken: TakenSocket[] = [];
    const channel = new pipes.Pipe(pipes.constants.IPC);
    let isOpen = true;
    const end = (): void => {
      if (!isOpen) return;
      isOpen = false;
      clearTimeout(timer);
      channel.close();
      resolve(taken);
    };
    const timer = setTimeout(end, TAKES_MS);
    const read = createReader((name, handle) => {
      taken.push({ ...name, handle });
      write(channel, pipes, `${JSON.stringify({ cmd: "NODE_HANDLE_ACK" })}\n`);
    });
    channel.onread = (bytes) => {
      const handle = channel.pendingHandle ?? null;
      channel.pendingHandle = null;
      if (bytes === undefined || !read(Buffer.from(bytes).toString("utf8"), handle)) end();
    };
    const connecting = new pipes.PipeConnectWrap();
    connecting.oncomplete = (status) => {
      if (status !== 0) return end();
      channel.readStart();
      write(channel, pipes, UPGRADE);
    };
    const failure = channel.connect(connecting, controlSocket);
    if (failure !== undefined && failure !== 0) end();
  });
}

const UPGRADE = `GET /sockets HTTP/1.1\r\nHost: control\r\nConnection: Upgrade\r\nUpgrade: ${SOCKETS_PROTOCOL}\r\n\r\n`;

/** Follows the lines of a Node channel. The result answers false when it is none: an HTTP answer, for example. */
function createReader(
  onSocket: (name: NamedSocket, handle: SocketHandle) => void,
): (text: string, handle: SocketHandle | null) => boolean {
  let unread = "";
  let pending: SocketHandle | null = null;
  return (text, handle) => {
    pending ??= handle;
    const lines = (unread + text).split("\n");
    unread = lines.pop() ?? "";
    for (const line of lines) {
      let message: { readonly cmd?: string; readonly msg?: NamedSocket };
      try {
        message = JSON.parse(line) as typeof message;
      } catch {
        return false;
      }
      if (message.cmd !== "NODE_HANDLE" || message.msg === undefined || pending === null) continue;
      onSocket(message.msg, pending);
      pending = null;
    }
    return true;
  };
}

/** The pipe over which Node's parents and children send each other sockets. */
interface Channel {
  onread: (bytes: ArrayBuffer | undefined) => void;
  pendingHandle?: SocketHandle | null;
  connect(request: ConnectRequest, path: string): number | undefined;
  readStart(): number;
  writeUtf8String(request: object, text: string): number;
  close(): void;
}

interface ConnectRequest {
  oncomplete: (status: number) => void;
}

interface InternalPipes {
  readonly Pipe: new (kind: number) => Channel;
  readonly PipeConnectWrap: new () => ConnectRequest;
  readonly constants: { readonly IPC: number };
  readonly WriteWrap: new () => { oncomplete: () => void };
}

function write(channel: Channel, { WriteWrap }: InternalPipes, text: string): void {
  const request = new WriteWrap();
  request.oncomplete = () => undefined;
  channel.writeUtf8String(request, text);
}

/**
 * Node's own, of which nothing is documented: a process that was started by somebody else has no other way to get a
 * socket. null where a later Node has them no more.
 */
function internalPipes(): InternalPipes | null {
  try {
    const { binding } = process as unknown as { readonly binding: (name: string) => Record<string, unknown> };
    const pipes = { ...binding("pipe_wrap"), ...binding("stream_wrap") } as unknown as InternalPipes;
    return typeof pipes.Pipe === "function" && typeof pipes.WriteWrap === "function" ? pipes : null;
  } catch {
    return null;
  }
}
