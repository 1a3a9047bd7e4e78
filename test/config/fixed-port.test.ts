import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { load } from "./loading.ts";

async function notesOf(service: string): Promise<readonly string[]> {
  return (await load(`app: shop\nservices:\n  web: ${service}\ntraffic: { embedded: 8080 }`)).notes;
}

describe("a port that stands in a plan in figures", () => {
  for (const [run, text, instead] of [
    ["node server.js --port 3000", "--port 3000", "--port ${port}"],
    ["npm start -- --port=3000 --verbose", "--port=3000", "--port=${port}"],
    ["PORT=3000 node server.js", "PORT=3000", "PORT=${port}"],
    ["npx next start -p 3000", "-p 3000", "-p ${port}"],
    ["gunicorn --bind 127.0.0.1:8000 shop:app", "--bind 127.0.0.1:8000", "--bind 127.0.0.1:${port}"],
    ["php -S localhost:8000", "-S localhost:8000", "-S localhost:${port}"],
    ["./migrate && ./shop --addr :3000", "--addr :3000", "--addr :${port}"],
  ] as const)
    it(`is noted with its line: ${run}`, async () => {
      assert.deepEqual(await notesOf(`{ run: "${run}", health: /health }`), [
        `\`${text}\` in \`run\` of web (tidegate.yaml:3) is one port for all: two versions run beside each other, so each instance must listen on the one that it is given. Write \`${instead}\`, or leave it out where the app reads PORT.`,
      ]);
    });

  it("is noted where it takes the place of the PORT that Tidegate sets", async () => {
    const [note] = await notesOf('{ run: node server.js, health: /health, env: { PORT: "3000" } }');
    assert.match(note ?? "", /^`3000` in `env\.PORT` of web \(tidegate\.yaml:3\) .* leave it out: PORT is set\.$/);
  });

  for (const run of [
    "node server.js",
    "node server.js --port ${port}",
    "PORT=$PORT node server.js --admin-port 3001",
    "node server.js --port $PORT --metrics :9090",
    "wait-for --port 5432 && node server.js",
    "ssh -p 2222 shop@example.com",
    "mkdir -p 3000 && node server.js",
    "node server.js --db-port 5432 --timeout 3000",
    "node server.js --proxy http://127.0.0.1:3128",
    'node server.js --port "${PORT}"',
  ])
    it(`is not suspected in: ${run}`, async () => {
      assert.deepEqual(await notesOf(`{ run: '${run}', health: /health }`), []);
    });

  it("is a worker's own business", async () => {
    const plan = `app: shop
services:
  web: { run: node server.js, health: /health, route: / }
  worker: { run: node worker.js --port 3000 }
traffic: { embedded: 8080 }`;
    assert.deepEqual((await load(plan)).notes, []);
  });
});
