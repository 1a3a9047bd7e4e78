import { createServer } from "node:http";
import fastProxy from "fast-proxy";
import { announce, BACKEND } from "./announce.ts";

// With undici, the faster of its two ways.
const forwarder = fastProxy({ base: BACKEND, undici: { connections: 128, pipelining: 1 } });

announce(createServer((request, response) => forwarder.proxy(request, response, request.url ?? "/", {})));
