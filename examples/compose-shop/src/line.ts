import { connect, type Socket } from "node:net";

/** One connection to a server that answers what it is asked in order; made again when it was lost. */
export interface Line {
  /** Sends, and resolves with what `read` makes of the answer once it is whole. */
  ask<T>(request: Buffer, read: Reader<T>): Promise<T>;
}

/** Answers the value and how many bytes it took, or null while it is not whole. */
export type Reader<T> = (received: Buffer) => { readonly value: T; readonly size: number } | null;

interface Waiting {
  readonly read: Reader<unknown>;
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: Error) => void;
}

/** `greet` is said first on each new connection. */
export function openLine(host: string, port: number, greet: (ask: Line["ask"]) => Promise<void>): Line {
  let open: Promise<Line["ask"]> | undefined;
  const connectOnce = async (): Promise<Line["ask"]> => {
    const { ask, lost } = await connected(host, port);
    void lost.then(() => (open = undefined));
    await greet(ask);
    return ask;
  };
  return {
    async ask(request, read) {
      open ??= connectOnce().catch((error: unknown) => {
        open = undefined;
        throw error;
      });
      const ask = await open;
      return ask(request, read);
    },
  };
}

async function connected(host: string, port: number): Promise<{ ask: Line["ask"]; lost: Promise<void> }> {
  const socket: Socket = connect({ host, port, timeout: 5_000 });
  const waiting: Waiting[] = [];
  let received = Buffer.alloc(0);
  const lost = Promise.withResolvers<void>();
  const end = (error: Error): void => {
    socket.destroy();
    lost.resolve();
    for (const { reject } of waiting.splice(0)) reject(error);
  };
  socket.on("data", (part) => {
    received = Buffer.concat([received, part]);
    for (let first = waiting[0]; first !== undefined; first = waiting[0]) {
      let answer: ReturnType<Waiting["read"]>;
      try {
        answer = first.read(received);
      } catch (error) {
        return end(error instanceof Error ? error : new Error(String(error)));
      }
      if (answer === null) return;
      received = received.subarray(answer.size);
      waiting.shift();
      first.resolve(answer.value);
    }
  });
  socket.on("close", () => end(new Error(`${host} closed the connection`)));
  await new Promise<void>((resolve, reject) => {
    socket.once("connect", resolve);
    socket.once("error", reject);
    socket.once("timeout", () => reject(new Error(`${host} does not answer`)));
  });
  socket.setTimeout(0);
  socket.on("error", end);
  const ask: Line["ask"] = (request, read) =>
    new Promise((resolve, reject) => {
      if (socket.destroyed) return reject(new Error(`${host} has closed the connection`));
      waiting.push({ read, resolve: resolve as Waiting["resolve"], reject });
      socket.write(request);
    });
  return { ask, lost: lost.promise };
}
