import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import type { DockerEngine } from "./docker-engine.ts";

/** A Docker engine as another machine's: over TCP, by a line that can be made to hang. */
export interface EngineRelay extends AsyncDisposable {
  /** `tcp://…`. */
  readonly host: string;
  /** Whoever asks from now on gets no answer. */
  hang(): void;
  /** Who was left waiting is answered. */
  goOn(): void;
}

export async function engineRelay(engine: DockerEngine): Promise<EngineRelay> {
  const sockets = new Set<Socket>();
  let waiting: (() => void)[] | null = null;
  const pass = (near: Socket): void => {
    const far = connect(engine.host.slice("unix://".length));
    for (const [one, other] of [
      [near, far],
      [far, near],
    ] as const) {
      sockets.add(one);
      one.once("close", () => sockets.delete(one));
      one.on("error", () => other.destroy()).pipe(other);
    }
  };
  const server = createServer({ pauseOnConnect: true }, (near) => {
    near.on("error", () => undefined);
    if (waiting === null) pass(near);
    else waiting.push(() => pass(near));
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const goOn = (): void => {
    const all = waiting ?? [];
    waiting = null;
    for (const each of all) each();
  };
  return {
    host: `tcp://127.0.0.1:${(server.address() as AddressInfo).port}`,
    hang: () => void (waiting ??= []),
    goOn,
    async [Symbol.asyncDispose]() {
      goOn();
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, "close");
    },
  };
}
