import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { after, describe, it } from "node:test";
import { createChecker, type CheckSettings } from "../../src/adapters/check/checker.ts";
import { createManualClock } from "../../src/adapters/clock/manual.ts";
import { systemClock } from "../../src/adapters/clock/system.ts";
import { createShellRunner } from "../../src/adapters/command/shell.ts";
import type { CheckResult, MachineCheck } from "../../src/core/plan/checklist.ts";
import { redactor } from "../../src/core/text/redact.ts";
import { DAY } from "../../src/core/time/time.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";
import { makeAuthority } from "./certificates.ts";
import { nameServer } from "./name-server.ts";
import { closedPort, httpServer, httpsServer, rawServer } from "./servers.ts";

const folder = temporaryFolder();
after(() => folder[Symbol.asyncDispose]());

const never = new AbortController().signal;
const settings: CheckSettings = {
  directory: folder.path,
  commands: createShellRunner({ directory: folder.path, redact: (text) => text }),
  clock: systemClock,
  redact: redactor(["token-of-the-check"]).text,
  values: () => ({ STATUS_TOKEN: "token-of-the-check" }),
  rehearsals: () => [],
};
const released = { environment: "production", version: "4be1c02f", label: "4be1c02", planHash: "of this plan" };
const check = (asked: MachineCheck, more: Partial<CheckSettings> = {}, signal = never): Promise<CheckResult> =>
  createChecker({ ...settings, ...more }).check(asked, signal, released);

describe("an http check", () => {
  const asked = (url: string, contains?: string): MachineCheck => ({
    kind: "http",
    url,
    status: 200,
    timeoutMs: 2_000,
    ...(contains === undefined ? {} : { contains }),
  });

  it("passes on the status and the text", async () => {
    await using server = await httpServer((_, response) => response.end("all systems operational"));
    const result = await check(asked(`${server.url}/status`, "operational"));
    assert.equal(result.passed, true);
    assert.match(result.detail, /\/status answers 200 in [\d.]+m?s with "operational"$/);
    assert.match((await check(asked(server.url, "degraded"))).detail, /, but without "degraded"$/);
  });

  it("fails on another status, and tells where a redirect leads without going there", async () => {
    await using server = await httpServer((_, response) => response.writeHead(301, { location: "/elsewhere" }).end());
    const result = await check(asked(`${server.url}/a`));
    assert.equal(result.passed, false);
    assert.match(result.detail, /answers 301 to \/elsewhere in [\d.]+m?s, expected 200$/);
    assert.deepEqual(server.asked, ["GET /a"]);
  });

  it("fails when nothing answers", async () => {
    const port = await closedPort();
    assert.match((await check(asked(`http://127.0.0.1:${port}/`))).detail, /nothing listens at/);
    await using silent = await rawServer(() => undefined);
    const late = await check({ kind: "http", url: silent.url, status: 200, timeoutMs: 100 });
    assert.match(late.detail, /no answer within 100ms$/);
  });

  it("fills in secrets and never tells them", async () => {
    await using server = await httpServer((request, response) =>
      response.writeHead(request.url === "/?t=token-of-the-check" ? 200 : 401).end("token-of-the-check"),
    );
    const result = await check(asked(`${server.url}/?t=\${STATUS_TOKEN}`, "token-of-the-check"));
    assert.equal(result.passed, true);
    assert.ok(!result.detail.includes("token-of-the-check"), result.detail);
  });
});

describe("a command check", () => {
  it("passes with code 0 and tells the last line", async () => {
    const good = await check({ kind: "command", command: "echo one; echo 42 tests passed", timeoutMs: 10_000 });
    assert.equal(good.passed, true);
    assert.match(good.detail, /^the command ended with code 0 in .*: 42 tests passed$/);
    const bad = await check({ kind: "command", command: "echo 2 failed; exit 1", timeoutMs: 10_000 });
    assert.deepEqual(bad, { passed: false, detail: "the command ended with code 1: 2 failed" });
    const late = await check({ kind: "command", command: "exec sleep 600", timeoutMs: 100 });
    assert.deepEqual(late, { passed: false, detail: "the command did not end within 100ms" });
  });

  it("has not passed when it can't be run", async () => {
    const commands = createShellRunner({ directory: folder.file("gone"), redact: (text) => text });
    const result = await check({ kind: "command", command: "true", timeoutMs: 1_000 }, { commands });
    assert.equal(result.passed, false);
    assert.match(result.detail, /^The command could not be started: /);
  });
});

describe("a file check", () => {
  it("looks for a file and for a text in it, relative to the plan file", async () => {
    writeFileSync(folder.file("notes.md"), "release notes for 2.0");
    assert.deepEqual(await check({ kind: "file", path: "notes.md" }), { passed: true, detail: "notes.md exists" });
    assert.equal((await check({ kind: "file", path: "notes.md", contains: "2.0" })).passed, true);
    const without = await check({ kind: "file", path: "notes.md", contains: "3.0" });
    assert.deepEqual(without, { passed: false, detail: 'notes.md does not contain "3.0"' });
    const gone = await check({ kind: "file", path: "gone.md" });
    assert.deepEqual(gone, { passed: false, detail: "gone.md does not exist" });
  });

  it("finds a text that lies across two reads of a large file", async () => {
    const size = 64 * 1024;
    writeFileSync(folder.file("large"), `${"x".repeat(size - 3)}needle${"x".repeat(size)}`);
    assert.equal((await check({ kind: "file", path: "large", contains: "needle" })).passed, true);
  });

  it("does not wait for somebody to write into a pipe", async () => {
    execFileSync("mkfifo", [folder.file("pipe")]);
    const result = await check({ kind: "file", path: "pipe", contains: "x" });
    assert.deepEqual(result, { passed: false, detail: "pipe is not a file, so nothing can be looked for in it" });
    mkdirSync(folder.file("folder"));
    assert.equal((await check({ kind: "file", path: "folder" })).passed, true);
  });
});

describe("a certificate check", () => {
  const authority = makeAuthority(folder, 90);
  const asked = (port: number, days: number): MachineCheck => ({ kind: "certificate", host: "localhost", port, days });
  const trusting = { authority: authority.certificate };

  it("passes while the certificate stays valid for so many days", async () => {
    await using server = await httpsServer(authority.sign("localhost", 45), (_, response) => response.end());
    const good = await check(asked(server.port, 30), trusting);
    assert.equal(good.passed, true);
    assert.match(good.detail, /: the certificate is valid for 4[45] days, until \d{4}-\d\d-\d\d$/);
    const bad = await check(asked(server.port, 60), trusting);
    assert.equal(bad.passed, false);
    assert.match(bad.detail, /valid for 4[45] days, until .*; wanted 60$/);
  });

  it("fails once it has expired", async () => {
    await using server = await httpsServer(authority.sign("localhost", 45), (_, response) => response.end());
    const clock = createManualClock(Date.now() + 50 * DAY);
    const result = await check(asked(server.port, 1), { ...trusting, clock });
    assert.equal(result.passed, false);
    assert.match(result.detail, /: the certificate expired on /);
  });

  it("sees an issuer that ends before the certificate does", async () => {
    const { cert, key } = authority.sign("localhost", 200);
    const chain = { cert: `${cert}${authority.certificate}`, key };
    await using server = await httpsServer(chain, (_, response) => response.end());
    const result = await check(asked(server.port, 100), trusting);
    assert.equal(result.passed, false);
    assert.match(result.detail, /the certificate of its issuer Test authority is valid for (89|90) days/);
  });

  it("fails for a certificate that clients refuse: another name, an unknown authority", async () => {
    await using other = await httpsServer(authority.sign("shop.example.com", 45), (_, response) => response.end());
    assert.match((await check(asked(other.port, 1), trusting)).detail, /its certificate is for another name$/);
    await using server = await httpsServer(authority.sign("localhost", 45), (_, response) => response.end());
    const unknown = await check(asked(server.port, 1));
    assert.equal(unknown.passed, false);
    assert.match(unknown.detail, /authority/);
  });

  it("fails where there is no TLS, nothing listens, or nobody answers", async () => {
    await using plain = await rawServer((socket) => socket.end("HTTP/1.1 400 Bad Request\r\n\r\n"));
    assert.match((await check(asked(plain.port, 1))).detail, /no TLS connection|closed before/);
    assert.match((await check(asked(await closedPort(), 1))).detail, /nothing listens there|no TLS connection/);
    await using silent = await rawServer(() => undefined);
    const late = await check(asked(silent.port, 1), { timeoutMs: 100 });
    assert.deepEqual(late, { passed: false, detail: "no result within 100ms" });
  });
});

describe("a disk check", () => {
  it("tells what is free and whether it is enough", async () => {
    const good = await check({ kind: "disk", path: ".", freeBytes: 1 });
    assert.equal(good.passed, true);
    assert.match(good.detail, /^\. has [\d.]+ [KMGT]?B free \([\d.]+%\)$/);
    const bad = await check({ kind: "disk", path: ".", freeBytes: 10 ** 18, freePercent: 100 });
    assert.equal(bad.passed, false);
    assert.match(bad.detail, /, wanted 1000000\.0 TB and 100%$/);
    const gone = await check({ kind: "disk", path: "gone", freeBytes: 1 });
    assert.deepEqual(gone, { passed: false, detail: "gone does not exist" });
  });
});

describe("a DNS check", () => {
  const names = { "shop.test": ["192.0.2.7", "192.0.2.8"], "six.test": ["2001:db8:0:0:0:0:0:1"], "empty.test": [] };

  it("knows what this machine knows", async () => {
    assert.equal((await check({ kind: "dns", name: "localhost" })).passed, true);
    const wrong = await check({ kind: "dns", name: "localhost", address: "192.0.2.1" });
    assert.equal(wrong.passed, false);
    assert.match(wrong.detail, /^localhost is .*, expected 192\.0\.2\.1$/);
  });

  it("asks the name servers that it is given", async () => {
    await using server = await nameServer(names);
    const nameServers = [server.address];
    const ask = (name: string, address?: string): Promise<CheckResult> =>
      check({ kind: "dns", name, ...(address === undefined ? {} : { address }) }, { nameServers });
    assert.deepEqual(await ask("shop.test", "192.0.2.8"), {
      passed: true,
      detail: "shop.test is 192.0.2.7, 192.0.2.8",
    });
    assert.equal((await ask("shop.test", "192.0.2.9")).passed, false);
    assert.equal((await ask("six.test", "2001:DB8::1")).passed, true);
    assert.deepEqual(await ask("gone.test"), { passed: false, detail: "gone.test: the name is not known" });
    assert.deepEqual(await ask("empty.test"), { passed: false, detail: "empty.test: the name has no address" });
  });

  it("does not wait for a name server that never answers", async () => {
    await using server = await nameServer("silent");
    const result = await check({ kind: "dns", name: "shop.test" }, { nameServers: [server.address], timeoutMs: 150 });
    assert.equal(result.passed, false);
    assert.match(result.detail, /no result within 150ms|stopped before/);
  });
});
