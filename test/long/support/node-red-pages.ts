import type { Page } from "../../e2e/support/crowd.ts";

/** What people ask of the Node-RED in examples/node-red: its editor, its static files, its own routes and its flows. */
export const NODE_RED_PAGES: readonly Page[] = [
  greeting("Ada"),
  settings(),
  greeting("Grace"),
  { ...whole("/greeting", '{"hello":"Joan"}'), method: "POST", send: '{"name":"Joan"}' },
  greeting("Ada"),
  page("/", "<title>Node-RED</title>"),
  greeting("Grace"),
  settings(),
  page("/red/style.min.css", "{"),
  greeting("Ada"),
  // About 1 MB: it is still under way when others have long had their answers.
  page("/red/red.min.js", "Licensed under the Apache License"),
  greeting("Grace"),
];

/** The editor's WebSocket, and what the editor says first. */
export const COMMS = { path: "/comms", hello: '{"subscribe":"notification/#"}' };

function greeting(name: string): Page {
  return whole(`/greeting/${name}`, JSON.stringify({ hello: name }));
}

function settings(): Page {
  const version = (body: string): string => (JSON.parse(body) as { version: string }).version;
  return { ...page("/settings", '"httpNodeRoot"'), version };
}

function whole(path: string, expected: string): Page {
  return { path, wrong: (status, body) => (status === 200 && body === expected ? null : told(status, body)) };
}

function page(path: string, part: string): Page {
  return { path, wrong: (status, body) => (status === 200 && body.includes(part) ? null : told(status, body)) };
}

function told(status: number, body: string): string {
  return `${status} ${body.slice(0, 200)}`;
}
