import { createServer } from "node:http";
import { createProxyServer } from "httpxy";
import { announce, BACKEND } from "./announce.ts";

// It keeps connections by itself.
const proxy = createProxyServer({ target: BACKEND, xfwd: true });

announce(
  createServer((request, response) => {
    proxy.web(request, response).catch(() => response.destroy());
  }),
);
