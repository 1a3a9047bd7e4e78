import { equal, match, ok } from "node:assert/strict";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { describe, it } from "node:test";
import type { CommandFrom, HttpFrom, LogFrom } from "../../src/core/plan/source.ts";
import type { InstanceSeen } from "../../src/core/observation.ts";
import { createManualClock } from "../../src/adapters/clock/manual.ts";
import { newLines } from "../../src/adapters/metrics/new-lines.ts";
import { httpServer } from "../tasks/servers.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";
import { answerOf, realMetrics } from "./stand.ts";

describe("An address that answers with JSON", () => {
  it("gives the number that a JMESPath names, for the version that it is asked about", async () => {
    await using server = await httpServer((request, response) => {
      const version = new URL(request.url ?? "", "http://x").searchParams.get("version");
      response.end(
        JSON.stringify({ version, queues: [{ failed: 2 }, { failed: 3 }], text: "7.5", none: null, deep: { a: true } }),
      );
    });
    const of = (select?: string): HttpFrom => ({
      kind: "http",
      at: { url: `${server.url}/stats?version=\${version}`, headers: {} },
      ...(select === undefined ? {} : { select }),
    });
    equal(await answerOf(of("sum(queues[].failed)")), "5");
    equal(await answerOf(of("text")), "7.5");
    equal(await answerOf(of("none")), "no-data: `none` gives nothing");
    equal(
      await answerOf(of("queues[].failed")),
      "down: `queues[].failed` gives 2 values where one number is needed | make one of them: `sum(…)`, `length(…)`, `max(…)`",
    );
    equal(await answerOf(of("deep")), 'down: `deep` gives `{"a":true}` where a number is needed');
    equal(await answerOf(of("version")), "down: `version` gives `v2` where a number is needed");
    match(await answerOf(of("abs(version)")), /^down: `abs\(version\)` can't be applied: .* \| mend `select`$/);
    equal(await answerOf(of()), "down: it answers with a document | say with `select` which number of it is meant");
    equal(server.asked[0], "GET /stats?version=v2");
  });

  it("that refuses, in JSON too, is down", async () => {
    await using server = await httpServer((_, response) => response.writeHead(403).end('{"error":"who are you?"}'));
    match(
      await answerOf({ kind: "http", at: { url: server.url, headers: {} } }),
      /answers 403: \{"error":"who are you\?"\} \| write how to be let in/,
    );
  });
});

describe("A program that prints a number", () => {
  const of = (command: CommandFrom["command"], select?: string): CommandFrom => ({
    kind: "command",
    command,
    ...(select === undefined ? {} : { select }),
  });

  it("is a list of arguments, or a line for the shell", async () => {
    equal(await answerOf(of(["node", "-p", "'${version}'.length * 21"])), "42");
    equal(await answerOf(of('echo counting >&2; echo 1; echo "${version}-$TIDEGATE_SLOT" | wc -c')), "9");
    equal(await answerOf(of(["echo", '{"failed": 3}'], "failed")), "3");
    const metrics = realMetrics({ LIMIT: "12" });
    equal(await answerOf(of(["echo", "${LIMIT}"]), { metrics }), "12");
    equal(await answerOf(of("echo $LIMIT"), { metrics }), "12");
  });

  it("is asked for a version with any name: none of them is a word for the shell", async () => {
    const subject = { version: "v2; echo 5", slot: "green", service: "web", app: "shop", environment: "production" };
    equal(await answerOf(of("printf %s ${version} | wc -c"), { subject }), "10");
  });

  it("that prints nothing, something else, fails or never ends gives no figure", async () => {
    equal(await answerOf(of("true")), "no-data: it prints nothing");
    equal(await answerOf(of("echo many")), "down: it prints `many` where a number is needed");
    equal(await answerOf(of("echo many", "x")), "down: it prints `many` where JSON is needed");
    equal(await answerOf(of("echo 5; echo no such queue >&2; exit 3")), "down: it ended with 3: no such queue");
    match(await answerOf(of(["/no/such/program"])), /^down: it can't be started: .*ENOENT/);
    equal(await answerOf(of("yes 1")), "down: it prints more than 256 KB, which can't be one figure");
    await using folder = temporaryFolder();
    writeFileSync(folder.file("hang.sh"), "sleep 60 & echo $! > hang.pid; wait");
    const metrics = realMetrics({}, { directory: folder.path });
    equal(await answerOf(of(["sh", "hang.sh"]), { metrics, timeoutMs: 400 }), "down: it did not end within 400ms");
    const pid = Number(readFileSync(folder.file("hang.pid"), "utf8"));
    // Whoever looks after orphans here may take its time to bury it.
    const isGone = !existsSync(`/proc/${pid}`) || / Z /.test(readFileSync(`/proc/${pid}/stat`, "utf8"));
    ok(isGone, "what it started ends with it");
  });
});

describe("Lines in the logs of a version", () => {
  const FROM: LogFrom = { kind: "log", pattern: "CRITICAL|panic" };

  function stage() {
    const clock = createManualClock(1_700_000_000_000);
    const logs: Record<string, string[]> = { a: [], b: [], other: [] };
    const instance = (id: string, version: string, startedAt: number): InstanceSeen => ({
      id,
      service: "web",
      slot: version === "v2" ? "green" : "blue",
      version,
      state: "running",
      restarts: 0,
      adopted: false,
      startedAt,
    });
    let seen = [instance("a", "v2", clock.wall()), instance("b", "v2", clock.wall()), instance("other", "v1", 0)];
    const metrics = realMetrics(
      {},
      {
        clock,
        runtime: { instances: async () => seen, log: async (id, lines) => (logs[id] ?? []).slice(-lines) },
      },
    );
    const none = (): void => void (seen = []);
    return {
      clock,
      logs,
      none,
      ask: (version = "v2") =>
        answerOf(FROM, {
          metrics,
          subject: {
            version,
            slot: version === "v2" ? "green" : "blue",
            service: "web",
            app: "shop",
            environment: "production",
          },
        }),
    };
  }

  it("are counted by minute, those of its instances together and of no others", async () => {
    const { clock, logs, ask } = stage();
    logs["other"]?.push("CRITICAL: of stable");
    await clock.advance(30_000);
    logs["a"]?.push("begins", "CRITICAL: no database");
    equal(await ask(), "2", "one in its first half minute");
    await clock.advance(60_000);
    logs["a"]?.push("CRITICAL: no database", "all is well");
    logs["b"]?.push("panic: nil", "panic: nil");
    equal(await ask(), "3");
    await clock.advance(60_000);
    equal(await ask(), "0");
  });

  it("of what has run for long are counted from the first question on", async () => {
    const { clock, logs, ask } = stage();
    logs["other"]?.push("CRITICAL: last week");
    equal(await ask("v1"), "no-data: its lines are counted from now on");
    await clock.advance(60_000);
    logs["other"]?.push("CRITICAL: now");
    equal(await ask("v1"), "1");
  });

  it("that are more than can be kept are counted, and all alike they are not guessed at", async () => {
    const { clock, logs, ask } = stage();
    const write = (text: (index: number) => string): void => {
      for (let index = 0; index < 5_000; index += 1) logs["a"]?.push(text(index));
    };
    await clock.advance(60_000);
    write((index) => `CRITICAL ${index}`);
    equal(await ask(), "2000", "at least as many");
    await clock.advance(60_000);
    write(() => "CRITICAL");
    equal(await ask(), "2000");
    await clock.advance(60_000);
    write(() => "CRITICAL");
    equal(await ask(), "down: its newest lines are all alike, so nobody can say how many came");
  });

  it("of a version that does not run are no figure", async () => {
    const { none, ask } = stage();
    none();
    equal(await ask(), "no-data: none of its instances runs");
  });

  it("are told apart from those of the look before", () => {
    equal(String(newLines(["a", "b"], ["a", "b", "c"], 10)), "c");
    equal(String(newLines(["a", "b", "c"], ["b", "c", "d"], 3)), "d");
    equal(String(newLines(["a", "b"], ["x", "y"], 2)), "x,y");
    equal(newLines(["a", "a"], ["a", "a"], 2), null);
    equal(String(newLines(["a", "a"], ["a", "a", "a"], 9)), "a");
  });
});
