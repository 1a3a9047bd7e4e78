/** A version of an app, with nothing of its own that could fail. Its first argument is its version, else TIDEGATE_VERSION. */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

const version = process.argv[2] ?? process.env["TIDEGATE_VERSION"] ?? "v0";
const SLOW_MS = 20;
const SMALL = "a".repeat(1_024);
const LARGE = "b".repeat(64 * 1_024);

const server = createServer({ keepAliveTimeout: 60_000 }, (request, response) => {
  const begunAt = Date.now();
  request.resume();
  request.on("end", () => answer(request, response, begunAt));
});
server.listen(Number(process.env["PORT"] ?? 0), "127.0.0.1", () =>
  process.stdout.write(`${(server.address() as AddressInfo).port}\n`),
);

function answer({ url, headers }: IncomingMessage, response: ServerResponse, begunAt: number): void {
  const body = url === "/large" ? LARGE : SMALL;
  const send = (): void => {
    response.writeHead(200, {
      "content-length": body.length,
      "x-version": version,
      // Of this process, not of the version: one version may run more than once.
      "x-instance": process.pid,
      "x-begun": begunAt,
      "x-number": headers["x-number"] ?? "",
    });
    response.end(body);
  };
  if (url === "/slow") setTimeout(send, SLOW_MS);
  else send();
}
