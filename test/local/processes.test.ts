import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:net";
import { describe, it } from "node:test";
import { tryLock, lock } from "../../src/local/exclusive-lock.ts";
import { ownersOfPort, parseTcpTable, reaches, socketsOf } from "../../src/local/listening-sockets.ts";
import { familyOf } from "../../src/local/process-family.ts";
import { identify, isSameProcess } from "../../src/local/process-identity.ts";
import { listProcesses, parsePs, parseStat, type ProcessRow, readProcess } from "../../src/local/process-table.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";
import { until } from "../support/until.ts";

const linux = { skip: process.platform !== "linux" };

describe("the process table", () => {
  it("stands names with blanks and brackets in them", () => {
    const row = parseStat("42 (a) b (c) S 7 42 41 0 -1 4194560 1 0 0 0 150 50 30 20 20 0 1 0 9000 1000 25 0");
    assert.deepEqual(
      { pid: row.pid, parent: row.parent, group: row.group, session: row.session, startTicks: row.startTicks },
      { pid: 42, parent: 7, group: 42, session: 41, startTicks: 9_000 },
    );
    assert.equal(row.cpuTicks, 250);
    assert.equal(row.isZombie, false);
    assert.equal(parseStat("42 (x) Z 7 42 41 0").isZombie, true);
  });

  it("knows this process", linux, () => {
    const own = readProcess(process.pid);
    assert.equal(own?.parent, process.ppid);
    assert.ok((own?.rssBytes ?? 0) > 20e6);
    assert.ok(listProcesses().some((row) => row.pid === process.pid));
    assert.equal(readProcess(0x7fff_fff0), null);
  });

  it("can be read from `ps`, where there is no /proc", () => {
    const columns = "pid=,ppid=,pgid=,state=,rss=,lstart=";
    const own = ["-p", String(process.pid), "-o", columns];
    const [row] = parsePs(execFileSync("ps", own, { encoding: "utf8", env: { ...process.env, LC_ALL: "C" } }));
    assert.deepEqual({ pid: row?.pid, parent: row?.parent }, { pid: process.pid, parent: process.ppid });
    const startedAt = Date.now() / 1_000 - process.uptime();
    assert.ok(Math.abs((row?.startTicks ?? 0) - startedAt) < 3);
  });
});

describe("the identity of a process", () => {
  it("is kept while it lives and is nobody's afterwards, nor that of another one with its pid", async () => {
    const child = spawn("sleep", ["600"]);
    const identity = identify(child.pid ?? 0);
    assert.ok(identity !== null && isSameProcess(identity));
    assert.equal(isSameProcess({ ...identity, startTicks: identity.startTicks + 1 }), false);
    assert.equal(isSameProcess({ ...identity, bootId: "another" }), false);
    child.kill("SIGKILL");
    await once(child, "exit");
    assert.equal(isSameProcess(identity), false);
  });
});

describe("the family of a process", () => {
  const row = (pid: number, more: Partial<ProcessRow>): ProcessRow => ({
    pid,
    parent: 1,
    group: pid,
    session: pid,
    isZombie: false,
    startTicks: 100,
    cpuTicks: 0,
    rssBytes: 0,
    ...more,
  });
  const leader = { bootId: "b", pid: 10, startTicks: 100 };
  const pids = (table: readonly ProcessRow[]): number[] => familyOf(leader, table).map((each) => each.pid);

  it("is its session, its group and who descends from them, without zombies and strangers", () => {
    const table = [
      row(10, {}),
      row(11, { session: 10 }),
      row(12, { group: 10, session: 3 }),
      row(13, { parent: 11 }),
      row(14, { parent: 13 }),
      row(15, { session: 10, isZombie: true }),
      row(16, {}),
    ];
    assert.deepEqual(pids(table), [10, 11, 12, 13, 14]);
  });

  it("outlives its head, whose pid the kernel keeps for it", () => {
    assert.deepEqual(pids([row(11, { session: 10, group: 10 })]), [11]);
    assert.deepEqual(pids([row(10, { isZombie: true }), row(11, { session: 10, group: 10 })]), [11]);
  });

  it("is nobody once a stranger has the pid", () => {
    assert.deepEqual(pids([row(10, { startTicks: 999 }), row(11, { session: 10, group: 10 })]), []);
  });
});

describe("who listens", () => {
  it("is read from the kernel's tables, in both families", () => {
    const text = `  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 111 1 0 100 0 0 10 0
   1: 0100007F:1F91 0100007F:1F90 01 00000000:00000000 00:00000000 00000000  1000        0 112 1 0 100 0 0 10 0
   2: 00000000000000000000000000000000:0050 00000000000000000000000000000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 113 1 0
   3: 00000000000000000000000001000000:0051 00000000000000000000000000000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 114 1 0
   4: 0000000000000000FFFF00000100007F:0052 00000000000000000000000000000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 115 1 0
`;
    assert.deepEqual(parseTcpTable(text), [
      { address: "127.0.0.1", port: 8080, uid: 1000, inode: 111 },
      { address: "::", port: 80, uid: 0, inode: 113 },
      { address: "::1", port: 81, uid: 0, inode: 114 },
      { address: "::ffff:127.0.0.1", port: 82, uid: 0, inode: 115 },
    ]);
  });

  it("is found by port, and the ports by process", linux, async () => {
    const server = createServer().listen(0, "127.0.0.1");
    await once(server, "listening");
    const { port } = server.address() as { port: number };
    assert.deepEqual(
      ownersOfPort("127.0.0.1", port).owners.map(({ pid }) => pid),
      [process.pid],
    );
    assert.deepEqual(ownersOfPort("::1", port).owners, []);
    assert.ok(socketsOf([process.pid]).some((socket) => socket.port === port));
    server.close();
    await once(server, "close");
    assert.deepEqual(ownersOfPort("127.0.0.1", port), { uids: [], owners: [] });
  });

  it("reaches from where: all addresses, the same one, the other family", () => {
    const table: readonly (readonly [string, string, boolean])[] = [
      ["127.0.0.1", "127.0.0.1", true],
      ["127.0.0.1", "localhost", true],
      ["0.0.0.0", "127.0.0.1", true],
      ["::", "127.0.0.1", true],
      ["::ffff:127.0.0.1", "127.0.0.1", true],
      ["127.0.0.1", "0.0.0.0", true],
      ["::1", "127.0.0.1", false],
      ["10.0.0.7", "127.0.0.1", false],
      ["0.0.0.0", "::1", false],
    ];
    for (const [bound, host, expected] of table) assert.equal(reaches(bound, host), expected, `${bound} from ${host}`);
  });
});

describe("a lock", () => {
  it("is held by one, and free again once it is released", async () => {
    await using folder = temporaryFolder();
    const path = folder.file("lock");
    const first = tryLock(path);
    assert.ok(first !== null);
    assert.equal(tryLock(path), null);
    const waiting = lock(path);
    first.release();
    (await waiting).release();
    using _again = tryLock(path);
    assert.ok(_again !== null);
  });

  it("of a process that is killed is free at once", async () => {
    await using folder = temporaryFolder();
    const path = folder.file("lock");
    const program = `
      import { tryLock } from ${JSON.stringify(new URL("../../src/local/exclusive-lock.ts", import.meta.url).href)};
      globalThis.held = tryLock(process.argv[1]);
      console.log("held");
      setInterval(() => {}, 1000);
    `;
    const holder = spawn(process.execPath, ["--input-type=module-typescript", "-e", program, path]);
    try {
      await once(holder.stdout, "data");
      assert.equal(tryLock(path), null);
    } finally {
      holder.kill("SIGKILL");
    }
    await once(holder, "exit");
    const taken = await until("it is free", () => tryLock(path), 2_000);
    taken.release();
  });

  it("that is waited for lets go of the wait when it is aborted", async () => {
    await using folder = temporaryFolder();
    using _held = tryLock(folder.file("lock"));
    const abort = new AbortController();
    const waiting = lock(folder.file("lock"), abort.signal);
    abort.abort(new Error("enough"));
    await assert.rejects(waiting);
  });
});
