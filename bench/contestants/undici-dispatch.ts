import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { type Dispatcher, Pool } from "undici";
import { announce, BACKEND } from "./announce.ts";

const pool = new Pool(BACKEND, { connections: 128, pipelining: 1 });

announce(
  createServer((request, response) => {
    pool.dispatch(
      {
        path: request.url ?? "/",
        method: request.method as Dispatcher.HttpMethod,
        headers: passedOn(request),
        body: hasBody(request) ? request : null,
      },
      handlerFor(response),
    );
  }),
);

/** What undici refuses to send, or says itself. */
const OF_THE_CONNECTION = new Set(["connection", "keep-alive", "upgrade", "transfer-encoding", "expect"]);

function passedOn({ rawHeaders, socket }: IncomingMessage): string[] {
  const headers = ["x-forwarded-for", socket.remoteAddress ?? ""];
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const name = rawHeaders[i] as string;
    if (!OF_THE_CONNECTION.has(name.toLowerCase())) headers.push(name, rawHeaders[i + 1] as string);
  }
  return headers;
}

function hasBody({ headers }: IncomingMessage): boolean {
  return headers["transfer-encoding"] !== undefined || (headers["content-length"] ?? "0") !== "0";
}

function handlerFor(response: ServerResponse): Dispatcher.DispatchHandler {
  return {
    onRequestStart(controller) {
      response.on("close", () => {
        if (!response.writableFinished) controller.abort(new Error("the client is gone"));
      });
    },
    onResponseStart(_controller, status, headers) {
      delete headers.connection;
      delete headers["keep-alive"];
      response.writeHead(status, headers);
    },
    onResponseData(controller, chunk) {
      if (response.write(chunk)) return;
      controller.pause();
      response.once("drain", () => controller.resume());
    },
    onResponseEnd() {
      response.end();
    },
    onResponseError() {
      response.destroy();
    },
  };
}
