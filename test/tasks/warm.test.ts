import assert from "node:assert/strict";
import { existsSync, writeFileSync } from "node:fs";
import { after, describe, it } from "node:test";
import { systemClock } from "../../src/adapters/clock/system.ts";
import { createShellRunner } from "../../src/adapters/command/shell.ts";
import { createWarmer } from "../../src/adapters/warm/http.ts";
import type { Warm } from "../../src/core/plan/step.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";
import { httpServer, rawServer } from "./servers.ts";

const folder = temporaryFolder();
after(() => folder[Symbol.asyncDispose]());

const never = new AbortController().signal;
const redact = (text: string): string => text;
const commands = createShellRunner({ directory: folder.path, redact });
const warmer = createWarmer({ commands, clock: systemClock, redact, values: () => ({}) });

const wish = (wanted: Partial<Warm>): Warm => ({
  service: "web",
  pages: ["/", "/agents"],
  withinMs: 1_000,
  rounds: 2,
  boundMs: 10_000,
  ...wanted,
});
const at = (url: string, headers: Record<string, string> = {}) => ({
  baseUrls: { web: url },
  headers,
  version: "v2",
  insecureTls: false,
});

describe("warming", () => {
  it("visits every page, pinned, until all answer in time often enough in a row", async () => {
    const pins = new Set<unknown>();
    await using server = await httpServer((request, response) => {
      pins.add(request.headers["x-pin"]);
      response.end("page");
    });
    const result = await warmer.warm(wish({}), at(server.url, { "x-pin": "v2" }), never);
    assert.equal(result.warm, true);
    assert.equal(result.rounds, 2);
    assert.match(result.detail, /^2 pages within 1s, 2 times in a row; the slowest [\d.]+m?s \(\/(agents)?\)$/);
    assert.deepEqual(server.asked, ["GET /", "GET /agents", "GET /", "GET /agents"]);
    assert.deepEqual([...pins], ["v2"]);
  });

  it("goes on while a page is slow: a cache that fills itself", async () => {
    let visits = 0;
    await using server = await httpServer((request, response) => {
      visits += request.url === "/agents" ? 1 : 0;
      const cold = request.url === "/agents" && visits <= 2;
      setTimeout(() => response.end(), cold ? 250 : 0);
    });
    const result = await warmer.warm(wish({ withinMs: 150 }), at(server.url), never);
    assert.equal(result.warm, true);
    assert.equal(result.rounds, 4);
  });

  it("counts only good rounds in a row", async () => {
    let rounds = 0;
    await using server = await httpServer((request, response) => {
      rounds += request.url === "/" ? 1 : 0;
      response.writeHead(rounds === 2 ? 503 : 200).end();
    });
    const result = await warmer.warm(wish({}), at(server.url), never);
    assert.deepEqual([result.warm, result.rounds], [true, 4]);
  });

  it("is not warm at the bound, and says which page and why", async () => {
    await using server = await httpServer((request, response) =>
      response.writeHead(request.url === "/" ? 200 : 500).end("no database"),
    );
    const result = await warmer.warm(wish({ boundMs: 350 }), at(server.url), never);
    assert.equal(result.warm, false);
    assert.match(result.detail, /^not warm after 350ms and \d rounds?: \/agents answers 500: no database$/);
  });

  it("is bounded by its time with a page that never answers", async () => {
    await using server = await rawServer(() => undefined);
    const result = await warmer.warm(wish({ boundMs: 200, pages: ["/"] }), at(server.url), never);
    assert.equal(result.warm, false);
    // A timer that fires a millisecond early leaves room for the beginning of another round.
    assert.ok(result.rounds === 1 || result.rounds === 2, String(result.rounds));
    assert.match(result.detail, /\/: no answer within/);
  });

  it("believes a command that says warm instead of the times", async () => {
    await using server = await httpServer((request, response) => {
      if (request.url === "/agents") writeFileSync(folder.file("cache"), "full");
      setTimeout(() => response.end(), 20);
    });
    const result = await warmer.warm(
      wish({ withinMs: 1, until: 'test -n "$TIDEGATE_URL" && test -f cache' }),
      at(server.url),
      never,
    );
    assert.deepEqual([result.warm, result.rounds, result.detail], [true, 1, "the check says warm after 2 pages"]);
    assert.ok(existsSync(folder.file("cache")));
    const cold = await warmer.warm(
      wish({ withinMs: 5_000, until: "echo hit rate 3%; exit 1", boundMs: 400 }),
      at(server.url),
      never,
    );
    assert.equal(cold.warm, false);
    assert.match(cold.detail, /the check says not warm \(code 1\): hit rate 3%$/);
  });

  it("stops at once when it is told to", async () => {
    const abort = new AbortController();
    await using server = await rawServer(() => abort.abort());
    const result = await warmer.warm(wish({}), at(server.url), abort.signal);
    assert.deepEqual([result.warm, result.detail], [false, "stopped after 1 round"]);
  });

  it("says so when the service has no address", async () => {
    const result = await warmer.warm(wish({ service: "api" }), at("http://127.0.0.1:1"), never);
    assert.deepEqual([result.warm, result.detail], [false, "there is no address of the service api"]);
  });
});
