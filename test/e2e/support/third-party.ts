import { once } from "node:events";
import { createServer, type IncomingHttpHeaders, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { until } from "../../support/until.ts";

/** A request that somebody else's service got. */
export interface Received {
  readonly method: string;
  readonly path: string;
  readonly body: string;
  readonly headers: IncomingHttpHeaders;
  readonly atMs: number;
}

/** Somebody else's service, as far as Tidegate sees it: answers as it is told to, and keeps what it got. */
export interface ThirdParty extends AsyncDisposable {
  url(path: string): string;
  /** From now on; `hang`: never. Paths that were not named are answered with 200. */
  answer(path: string, how: number | "hang"): void;
  received(path: string): readonly Received[];
  /** Waits until a request to the path fits. */
  gets(what: string, path: string, fits: (received: Received) => boolean): Promise<Received>;
}

export async function thirdParty(): Promise<ThirdParty> {
  const answers = new Map<string, number | "hang">();
  const all: Received[] = [];
  const respond = (path: string, response: ServerResponse): void => {
    const how = answers.get(path) ?? 200;
    if (how === "hang") return;
    response.writeHead(how).end(how === 200 ? "all is well" : "out of order");
  };
  const server = createServer((request, response) => {
    let body = "";
    const { method = "", url: path = "" } = request;
    request.setEncoding("utf8").on("data", (text: string) => (body += text));
    request.once("end", () => {
      all.push({ method, path, body, headers: request.headers, atMs: Date.now() });
      respond(path, response);
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const received = (path: string): readonly Received[] => all.filter((each) => each.path === path);
  return {
    url: (path) => `http://127.0.0.1:${port}${path}`,
    answer: (path, how) => void answers.set(path, how),
    received,
    gets: (what, path, fits) => until(what, () => received(path).find(fits), 20_000),
    [Symbol.asyncDispose]: async () => {
      const closed = once(server, "close");
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}
