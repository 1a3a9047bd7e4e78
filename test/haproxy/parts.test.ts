import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { array, assert as check, constantFrom, property, string } from "fast-check";
import { inForce } from "../../src/adapters/traffic/haproxy/in-force.ts";
import { withFragment } from "../../src/adapters/traffic/haproxy/edit.ts";
import { outcomeOf } from "../../src/adapters/traffic/haproxy/figures.ts";
import { fragmentOf } from "../../src/adapters/traffic/haproxy/fragment.ts";
import { type LoggedRequest, parseLogLine } from "../../src/adapters/traffic/haproxy/log-line.ts";
import { lossCheck } from "../../src/adapters/traffic/haproxy/loss-check.ts";
import { entriesOf, mapFileText, saidBy } from "../../src/adapters/traffic/haproxy/map-entries.ts";
import { serversFileText } from "../../src/adapters/traffic/haproxy/restart-files.ts";
import { serverCommands } from "../../src/adapters/traffic/haproxy/servers.ts";
import { parseStat, type StatRow } from "../../src/adapters/traffic/haproxy/stat.ts";
import { FaultError } from "../../src/core/fault.ts";
import type { HaproxyPlan } from "../../src/core/plan/traffic.ts";
import { lineDiff } from "../../src/core/text/line-diff.ts";
import { PLAN, tableOf } from "./stage.ts";

const HAPROXY: HaproxyPlan = {
  balancers: [{ kind: "unix", path: "/run/haproxy/admin.sock" }],
  files: "/etc/haproxy/tidegate",
  inside: "/etc/haproxy/tidegate",
};

const GREEN = "tidegate.shop.production.web.green";

describe("a configuration that Tidegate did not write", () => {
  const text = [
    "defaults",
    "\tmode http",
    "\tlog global",
    '\tlog-format "%ci \\"%r\\""',
    "frontend www",
    "\tbind :80",
    "\tuse_backend static if { path_beg /static }",
    "\tdefault_backend shop",
    "",
    "# the shop",
    "backend shop",
    "\tserver one 10.0.0.1:80",
    "",
  ].join("\n");
  const edited = (before: string, plan = PLAN, frontend?: string) =>
    withFragment(before, plan, HAPROXY, { where: "haproxy.cfg", frontend });

  it("gets Tidegate's part between marks, and not a line of it is changed or lost", () => {
    const after = edited(text).text;
    assert.ok(lineDiff(text, after).every((line) => !line.startsWith("-")));
    const lines = after.split("\n").map((line) => line.trim());
    const at = (start: string): number => lines.findIndex((line) => line.startsWith(start));
    assert.ok(at("bind") < at("# tidegate begin shop production: rules"));
    assert.ok(at("# tidegate end shop production: rules") < at("use_backend static"), "the user's own goes first");
    assert.ok(at("use_backend static") < at("use_backend %[str(tidegate."));
    assert.ok(at("use_backend %[str(tidegate.") < at("# the shop"), "comments stay with what they are about");
    assert.match(after, /log-format "%ci \\"%r\\" tidegate\.shop\.production=%\[date/, "its own format goes first");
  });

  it("is left as it is when it has that part already, and keeps it where somebody has moved it", () => {
    const once = edited(text).text;
    assert.equal(edited(once).text, once);
    const moved = once.replace("\tbind :80\n", "").replace("\tuse_backend static", "\tbind :80\n\tuse_backend static");
    assert.equal(edited(moved).text, moved);
    const other = { ...PLAN, traffic: { ...PLAN.traffic, sticky: { kind: "none" as const } } };
    const changed = edited(moved, other);
    assert.ok(lineDiff(moved, changed.text).some((line) => line.startsWith("-\thttp-request")));
    assert.equal(edited(changed.text).text, moved, "and back");
  });

  it("must say which frontend is meant, where there are several", () => {
    const two = `${text}frontend api\n    bind :81\n`;
    const isUnclear = (error: unknown): boolean => {
      assert.ok(error instanceof FaultError);
      assert.match(`${error.fault.what} ${error.fault.fix}`, /2 frontends \(www, api\).*--frontend www/);
      return true;
    };
    assert.throws(() => edited(two), isUnclear);
    assert.equal(edited(two, PLAN, "api").frontend, "api");
    assert.throws(() => edited(two, PLAN, "web"), /no frontend web/);
    assert.throws(() => edited("defaults\n"), /no frontend/);
  });

  it("is told where it hides requests from the log", () => {
    const hiding = text.replace("\tmode http", "\tmode http\n\toption dontlog-normal");
    assert.match(edited(hiding).notes.join(), /dontlog-normal/);
    assert.deepEqual(edited(text).notes, []);
  });

  it("logs in Tidegate's words alone where it has logged nowhere", () => {
    const silent = text.replace("\tlog global\n", "");
    assert.match(edited(silent).text, /^\tlog-format "tidegate\.shop\.production=%\[date/m);
  });

  it("has a digest that changes with what Tidegate asks for, not with the user's log format", () => {
    const digest = fragmentOf(PLAN, HAPROXY).digest;
    assert.equal(fragmentOf(PLAN, HAPROXY, "%ci").digest, digest);
    assert.notEqual(fragmentOf(PLAN, { ...HAPROXY, inside: "/srv" }).digest, digest);
    const pins = { header: "x-pin" };
    assert.notEqual(fragmentOf({ ...PLAN, traffic: { ...PLAN.traffic, pins } }, HAPROXY).digest, digest);
  });
});

describe("the lines of the map", () => {
  const table = tableOf({
    revision: 12,
    share: 500,
    offset: 17,
    stable: { version: "v1", slot: "blue", instances: [] },
    candidate: { version: "v 2", slot: "green", instances: [] },
    lease: { unwatchedMs: 120_000, do: "stable" },
  });

  it("hold the table, and say in one of them how requests are divided", () => {
    const entries = entriesOf(table, 3, 1_000);
    assert.equal(entries.get("route"), "12|500|17|blue|green|lease.12|7");
    assert.deepEqual(saidBy(entries), { table, share: 500, epoch: 3, leaseEndsAt: 1_000 });
    assert.equal(entries.get("ask.candidate"), "green");
    assert.ok(![...entries.keys()].some((key) => key.includes(" ")), "a key ends at its first space");
    assert.match(mapFileText(entries), /^# Written[^\n]+\nepoch 3\nrev\.12 yes\nroute 12\|/);
  });

  it("are of another revision once the lease is over", () => {
    const entries = entriesOf(table, 3, 1_000);
    assert.equal(inForce(entries, 999).table?.share, 500);
    const over = inForce(entries, 1_000);
    assert.deepEqual([over.table?.share, over.table?.revision, over.returnedAt], [0, 13, 1_000]);
    const without = new Map([...entries].filter(([key]) => key !== "lease.12"));
    assert.equal(inForce(without, 1).table?.share, 0, "a lease that somebody removed is over");
  });

  it("say nothing where they are somebody else's, or damaged", () => {
    assert.equal(saidBy(new Map([["shop.example.com", "web"]])).table, null);
    assert.equal(saidBy(new Map([...entriesOf(table, 3, null), ["table.0", "????"]])).table, null);
  });

  it("hold any table, however long", () => {
    const instances = Array.from({ length: 400 }, (_, index) => ({
      id: `web-blue-${index}-${Math.random()}`,
      service: "web",
      host: "10.0.0.1",
      port: index + 1,
      draining: false,
    }));
    const long = { ...table, stable: { version: "v1", slot: "blue" as const, instances } };
    const entries = entriesOf(long, 1, null);
    assert.ok(entries.has("table.1"));
    assert.deepEqual(saidBy(entries).table, long);
  });
});

describe("the servers of a table", () => {
  const row = (server: string, address: string, status = "UP"): StatRow => ({
    backend: GREEN,
    server,
    status,
    address,
    open: 0,
    begun: 0,
    ended: 0,
    idleSeconds: null,
  });
  const wanted = (changes = {}) => ({
    backend: GREEN,
    address: "127.0.0.1:9002",
    health: undefined,
    endpoint: { id: "web-green-1", service: "web", host: "127.0.0.1", port: 9_002, draining: false, ...changes },
  });

  it("are added ready before the table, and deleted in maintenance after it", () => {
    const { before, after } = serverCommands([wanted()], [row("web-green-0", "127.0.0.1:9001")]);
    assert.deepEqual(before, [
      `add server ${GREEN}/web-green-1 127.0.0.1:9002 check inter 2000ms fastinter 500ms rise 1 fall 3 pool-max-conn -1 pool-purge-delay 5s`,
      `enable health ${GREEN}/web-green-1`,
      `set server ${GREEN}/web-green-1 state ready`,
    ]);
    assert.deepEqual(after, [`set server ${GREEN}/web-green-0 state maint`, `del server ${GREEN}/web-green-0`]);
    assert.ok(![...before, ...after].some((command) => /cookie|weight/.test(command)));
  });

  it("are left alone where they are right: also the spares with which HAProxy has started again", () => {
    const none = { before: [], after: [] };
    assert.deepEqual(serverCommands([wanted()], [row("web-green-1", "127.0.0.1:9002")]), none);
    const spares = [row("spare1", "127.0.0.1:9002"), row("spare2", "127.0.0.1:1", "MAINT")];
    assert.deepEqual(serverCommands([wanted()], spares), none);
    assert.deepEqual(serverCommands([], spares), { before: [], after: [`set server ${GREEN}/spare1 state maint`] });
  });

  it("are drained after the table and readied before it", () => {
    const there = row("web-green-1", "127.0.0.1:9002");
    const drained = serverCommands([wanted({ draining: true })], [there]);
    assert.deepEqual(drained, { before: [], after: [`set server ${GREEN}/web-green-1 state drain`] });
    const readied = serverCommands([wanted()], [{ ...there, status: "DRAIN" }]);
    assert.deepEqual(readied, { before: [`set server ${GREEN}/web-green-1 state ready`], after: [] });
  });

  it("are in the file with which HAProxy starts, but for those that drain", () => {
    const text = serversFileText([wanted(), { ...wanted({ draining: true }), address: "[::1]:1" }]);
    assert.match(
      text,
      new RegExp(`^1\\n# be_id [^\\n]+\\n0 ${GREEN} 1 spare1 127\\.0\\.0\\.1 2 4 1 .* - 9002 - .*\\n$`),
    );
  });
});

describe("what HAProxy tells", () => {
  const MARK = "tidegate.shop.production=";
  const LINE =
    '127.0.0.1:5 [21/Nov/2026] www tidegate=old "GET /a|b HTTP/1.1" ' +
    `${MARK}1795304677429|${GREEN}|web-green-1|200|--|12|9|-|green|794|3735928559|+1|GET|12|500|17|blue|green|lease.12|7|/a|b`;

  it("is read from the end of a line, whatever the user's own format says before", () => {
    assert.deepEqual(parseLogLine(LINE, MARK), {
      endedAt: 1_795_304_677_429,
      backend: GREEN,
      server: "web-green-1",
      status: 200,
      end: "--",
      tookMs: 12,
      answeredMs: 9,
      isStream: false,
      release: 7,
      revision: 12,
      drawn: "green",
      cohort: 794,
      key: 3_735_928_559,
      retries: 1,
      method: "GET",
      path: "/a|b",
    });
    assert.equal(parseLogLine("127.0.0.1 GET /", MARK), null);
    assert.equal(parseLogLine(LINE.slice(0, -20), MARK), null, "a line that was cut");
  });

  it("never breaks the reader", () => {
    check(property(string(), (text) => parseLogLine(`${MARK}${text}`, MARK) !== undefined));
  });

  it("is the app's answer, or none of it", () => {
    const logged = parseLogLine(LINE, MARK) as LoggedRequest;
    const outcome = (changes: Partial<LoggedRequest>): number => outcomeOf({ ...logged, ...changes });
    assert.equal(outcome({}), 200);
    assert.equal(outcome({ status: 503 }), 503, "the app's own 503");
    assert.equal(outcome({ status: 503, end: "SC" }), 0, "nobody accepted");
    assert.equal(outcome({ status: 504, end: "sH" }), 0, "no answer in time");
    assert.equal(outcome({ end: "SD" }), 0, "cut in its middle");
    assert.equal(outcome({ status: -1, end: "CH" }), 499, "the client left");
    assert.equal(outcome({ end: "CD" }), 200, "the client left in the answer");
    assert.equal(outcome({ status: 503, end: "SC", server: "<NOSRV>" }), 0);
  });

  it("is a table of columns by name", () => {
    const csv =
      "# pxname,svname,scur,status,stot,req_tot,lastsess,addr,check_desc,\n" +
      `${GREEN},web-green-1,2,UP,30,,4,127.0.0.1:9002,"Layer7 check, passed",\n` +
      `${GREEN},BACKEND,2,UP,30,28,-1,,,\n\n`;
    const open = { backend: GREEN, status: "UP", open: 2, begun: 30 };
    assert.deepEqual(parseStat(csv), [
      { ...open, server: "web-green-1", address: "127.0.0.1:9002", ended: 0, idleSeconds: 4 },
      { ...open, server: "BACKEND", address: "", ended: 28, idleSeconds: null },
    ]);
  });
});

describe("the loss check", () => {
  it("finds what stays missing, once, and not what only comes late", () => {
    const loss = lossCheck();
    assert.equal(loss.look(100, 0), 0);
    assert.equal(loss.look(110, 500), 0);
    for (let line = 0; line < 10; line += 1) loss.read(400);
    assert.equal(loss.look(110, 1_500), 0, "they came late");
    for (let line = 0; line < 7; line += 1) loss.read(1_600);
    assert.equal(loss.look(120, 2_000), 0);
    assert.equal(loss.look(120, 3_100), 3);
    assert.equal(loss.look(120, 4_500), 0, "told already");
    assert.equal(loss.look(5, 5_000), 0, "another process counts from nothing");
  });

  it("takes no lines for lost that are always on their way, of other requests at each look", () => {
    const loss = lossCheck();
    let ended = 0;
    const lost: number[] = [];
    for (let second = 0; second < 30; second += 1) {
      const at = second * 1_000;
      // Lines of the last moments before a look are fetched after it.
      const coming = 4 + second;
      ended += 40 + coming;
      for (let line = 0; line < 40; line += 1) loss.read(at - 500);
      lost.push(loss.look(ended, at, at + 5));
      for (let line = 0; line < coming; line += 1) loss.read(at - 50);
    }
    assert.deepEqual(
      lost.filter((count) => count > 0),
      [],
    );
  });

  it("finds a line that is lost among many that come late", () => {
    const loss = lossCheck();
    let ended = 0;
    let lost = 0;
    for (let second = 0; second < 10; second += 1) {
      const at = second * 1_000;
      lost += loss.look(ended, at, at + 5);
      ended += 40;
      for (let line = 0; line < (second === 4 ? 39 : 40); line += 1) loss.read(at + 900);
    }
    assert.equal(lost, 1);
  });

  it("leaves out what had ended before it began", () => {
    const loss = lossCheck();
    loss.look(100, 1_000);
    loss.read(900);
    loss.look(101, 2_000);
    assert.equal(loss.look(101, 3_000), 1);
  });
});

it("a difference of two texts is shown as people know it, and carries one to the other", () => {
  assert.deepEqual(lineDiff("a\nb\nc\nd\ne\nf\ng\nh\ni", "a\nb\nc\nd\nE\nf\ng\nh\ni"), [
    "@@ -2,7 +2,7 @@",
    " b",
    " c",
    " d",
    "-e",
    "+E",
    " f",
    " g",
    " h",
  ]);
  assert.deepEqual(lineDiff("a", "a"), []);
  const text = array(constantFrom("a", "b", "c"), { maxLength: 8 }).map((lines) => lines.join("\n"));
  check(
    property(text, text, (before, after) => {
      const shown = lineDiff(before, after).filter((line) => !line.startsWith("@@"));
      const kept = (sign: string): number => shown.filter((line) => line.startsWith(sign)).length;
      assert.equal(after.split("\n").length - before.split("\n").length, kept("+") - kept("-"));
    }),
  );
});
