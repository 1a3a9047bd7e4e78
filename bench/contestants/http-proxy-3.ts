import { Agent, createServer } from "node:http";
import { createProxyServer } from "http-proxy-3";
import { announce, BACKEND } from "./announce.ts";

// Without an agent it would open a connection for each request.
const agent = new Agent({ keepAlive: true, maxFreeSockets: 256 });
const proxy = createProxyServer({ target: BACKEND, xfwd: true, agent });
proxy.on("error", (_error, _request, response) => response.destroy());

announce(createServer((request, response) => proxy.web(request, response)));
