import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  type Evidence,
  explainEvidence,
  failuresOf,
  routesByExcess,
  unansweredOf,
} from "../../src/core/diagnosis/evidence.ts";
import { newKindsOfLines } from "../../src/core/diagnosis/log-kinds.ts";
import type { SecondRow } from "../../src/core/observation.ts";

type Worst = SecondRow["worst"][number];

function row(version: string, requests: number, worst: readonly Worst[]): SecondRow {
  return {
    second: 1,
    version,
    requests,
    status: { ok: requests, redirect: 0, client: 0, server: 0, failed: 0 },
    latency: {},
    webSockets: { opened: 0, failed: 0 },
    worst,
    mixed: false,
  };
}

const bad = (route: string, count: number, status = 500): Worst => ({ route, requests: count, bad: count, status });

describe("routes at a rollback", () => {
  it("come by their failures beyond what stable would have had", () => {
    const rows = [
      row("new", 30, [bad("POST /checkout", 3), bad("GET /feed", 2)]),
      row("new", 38, [bad("POST /checkout", 1, 502)]),
      // Stable gets 19 times the traffic: its 38 failures of the feed would be 2 on the candidate.
      row("old", 1_292, [bad("GET /feed", 38)]),
    ];
    const routes = routesByExcess(rows, "new", "old");
    assert.deepEqual(routes, [{ route: "POST /checkout", status: 500, bad: 4, stableBad: 0, excess: 4 }]);
  });

  it("are all the candidate's when there is no stable version to compare with", () => {
    const routes = routesByExcess([row("new", 10, [bad("GET /a", 1), bad("GET /b", 2, 0)])], "new", null);
    assert.deepEqual(
      routes.map(({ route, status, excess }) => [route, status, excess]),
      [
        ["GET /b", 0, 2],
        ["GET /a", 500, 1],
      ],
    );
  });

  it("are none where nothing failed", () => {
    assert.deepEqual(routesByExcess([row("new", 10, [{ ...bad("GET /slow", 0), requests: 5 }])], "new", "old"), []);
    assert.deepEqual(routesByExcess([], "new", "old"), []);
  });
});

const node = [
  "TypeError: cart.total is undefined",
  "    at priceOf (/srv/versions/9f2c1e/node_modules/money/index.js:3:9)",
  "    at total (/srv/versions/9f2c1e/server.js:88:13)",
  "    at Server.<anonymous> (/srv/versions/9f2c1e/server.js:20:5)",
  "    at node:internal/process/task_queues:95:5",
];

it("what a version failed is told apart from what others answered in its place", () => {
  const rows: SecondRow[] = [
    { ...row("new", 30, []), status: { ok: 10, redirect: 0, client: 0, server: 8, failed: 12 }, passedOn: 11 },
    { ...row("new", 5, []), status: { ok: 0, redirect: 0, client: 0, server: 0, failed: 5 }, passedOn: 5 },
    { ...row("new", 2, []), status: { ok: 1, redirect: 0, client: 0, server: 1, failed: 0 } },
    { ...row("old", 9, []), status: { ok: 0, redirect: 0, client: 0, server: 9, failed: 0 } },
  ];
  assert.deepEqual(failuresOf(rows, "new"), { failures: 10, passedOn: 16 });
  assert.equal(unansweredOf(rows, "new"), 1, "what another answered in its place is no failure of Tidegate's");
});

describe("log lines at a rollback", () => {
  const names = ["a1f09c", "9f2c1e", "blue", "green"];
  const fresh = (candidate: readonly string[], stable: readonly string[] = []) =>
    newKindsOfLines([candidate], [stable], names);

  it("are those of a kind that stable never wrote, each once with its count", () => {
    const stable = ["2026-01-05T12:00:00Z GET /orders/17 200 in 12ms", "user 'alice' signed in from 10.0.0.7"];
    const candidate = [
      "2026-01-05T12:07:31.250Z GET /orders/9121 200 in 3ms",
      "user 'bob' signed in from 10.2.3.4",
      "2026-01-05T12:07:32Z WARN cache miss for cart 5",
      "2026-01-05T12:07:33Z WARN cache miss for cart 77",
    ];
    assert.deepEqual(fresh(candidate, stable), [{ text: "WARN cache miss for cart 5", count: 2 }]);
  });

  it("are the same kind whatever numbers, ids, times, quotes and versions they hold", () => {
    const pairs = [
      ["order 1f0e8c9a-1111-4222-8333-444455556666 paid", "order 00000000-aaaa-4bbb-8ccc-ddddeeeeffff paid"],
      ["at 0x7ffe10 of ab12cd34ef", "at 0x0 of 0123456789"],
      ['said "hello there"', 'said "no"'],
      ["listening on 127.0.0.1:9001 in blue (a1f09c)", "listening on 127.0.0.1:9002 in green (9f2c1e)"],
      ["[05/Jan/2026:12:00:00 +0000] ok", "[17/Dec/2026:01:59:59 +0000] ok"],
      ["order ord_8fk29dk2 took 1.5s", "order ord_x7k2m9aa took 22.75s"],
      ["session k3j9x1 ended", "session zz81a0 ended"],
    ];
    for (const [before = "", after = ""] of pairs) assert.deepEqual(fresh([after], [before]), [], after);
  });

  it("are told with the first place in the app's own code, the stack trace being one line of the log", () => {
    assert.deepEqual(fresh(["listening", ...node, ...node], ["listening"]), [
      { text: "TypeError: cart.total is undefined", count: 2, frame: "server.js:88" },
    ]);
  });

  it("tell two errors of the same words apart by the place where they broke", () => {
    const elsewhere = node.map((line) => line.replaceAll("9f2c1e", "a1f09c").replaceAll("server.js", "report.js"));
    assert.equal(fresh(node, elsewhere).length, 1);
    const moved = node.map((line) => line.replaceAll("9f2c1e", "a1f09c").replaceAll(/:(\d+):/g, ":1$1:"));
    assert.deepEqual(fresh(node, moved), []);
  });

  it("put errors before warnings before the rest, each in the order of the log", () => {
    const lines = ["new feature on", "WARN slow", "second news", "Error: first", "Error: second thing"];
    assert.deepEqual(
      fresh(lines).map(({ text }) => text),
      ["Error: first", "Error: second thing", "WARN slow", "new feature on", "second news"],
    );
  });

  it("know what Node writes when it ends by an error", () => {
    const crash = [
      "/srv/versions/9f2c1e/lib/start.js:12",
      "  throw new Error(`no ${name}`);",
      "  ^",
      "",
      "Error: no DATABASE_URL",
      "    at Object.<anonymous> (/srv/versions/9f2c1e/lib/start.js:12:9)",
      "    at Module._compile (node:internal/modules/cjs/loader:1554:14) {",
      "  code: 'E_CONFIG'",
      "}",
      "",
      "Node.js v24.1.0",
    ];
    assert.deepEqual(fresh(crash), [{ text: "Error: no DATABASE_URL", count: 1, frame: "lib/start.js:12" }]);
    const syntax = [
      "/srv/versions/9f2c1e/a.js:3",
      "foo(;",
      "    ^",
      "",
      "SyntaxError: Unexpected token ';'",
      "    at wrapSafe (node:internal/modules/cjs/loader:1:1)",
    ];
    assert.deepEqual(fresh(syntax), [{ text: "SyntaxError: Unexpected token ';'", count: 1, frame: "a.js:3" }]);
  });

  it("leave out the place inside Node at which an error was thrown", () => {
    const log = [
      "node:internal/modules/cjs/loader:1568",
      "  throw err;",
      "  ^",
      "",
      "Error: Cannot find module './prices'",
      "Require stack:",
      "- /srv/app/server.js",
      "    at Module._resolveFilename (node:internal/modules/cjs/loader:1565:15)",
      "    at Object.<anonymous> (/srv/app/server.js:1:1)",
    ];
    const [first] = newKindsOfLines([log], [], []);
    assert.equal(first?.text, "Error: Cannot find module './prices'");
  });

  it("know traces of Python, Java, Ruby, Go and .NET", () => {
    const python = [
      "Traceback (most recent call last):",
      '  File "/srv/versions/9f2c1e/app/main.py", line 10, in handle',
      "    total(cart)",
      '  File "/srv/versions/9f2c1e/app/cart.py", line 44, in total',
      "    return cart['total']",
      '  File "/usr/lib/python3.11/json/decoder.py", line 5, in raw',
      "KeyError: 'total'",
      "INFO next line",
    ];
    const java = [
      "java.lang.IllegalStateException: no cart",
      "\tat java.base/java.util.Objects.requireNonNull(Objects.java:233)",
      "\tat com.shop.Cart.total(Cart.java:88)",
      "Caused by: java.lang.NullPointerException",
      "\tat com.shop.Db.get(Db.java:5)",
      "\t... 12 more",
    ];
    const ruby = [
      "/srv/versions/9f2c1e/cart.rb:7:in `total': undefined method `sum' for nil (NoMethodError)",
      "\tfrom /srv/versions/9f2c1e/web.rb:3:in `<main>'",
    ];
    const go = [
      "panic: runtime error: index out of range [3]",
      "",
      "goroutine 1 [running]:",
      "runtime.gopanic(0x1)",
      "\t/usr/local/go/src/runtime/panic.go:884 +0x212",
      "main.total(...)",
      "\t/srv/versions/9f2c1e/main.go:17 +0x1d",
      "exit status 2",
    ];
    const dotnet = [
      "Unhandled exception. System.InvalidOperationException: no cart",
      "   at Shop.Cart.Total() in /srv/versions/9f2c1e/Cart.cs:line 31",
    ];
    const frames = [python, java, ruby, go, dotnet].map((lines) => fresh(lines, ["INFO next line"]));
    assert.deepEqual(frames, [
      [{ text: "KeyError: 'total'", count: 1, frame: "app/cart.py:44" }],
      [{ text: "java.lang.IllegalStateException: no cart", count: 1, frame: "Cart.java:88" }],
      [{ text: "undefined method `sum' for nil (NoMethodError)", count: 1, frame: "cart.rb:7" }],
      [{ text: "panic: runtime error: index out of range [3]", count: 1, frame: "main.go:17" }],
      [{ text: "Unhandled exception. System.InvalidOperationException: no cart", count: 1, frame: "Cart.cs:31" }],
    ]);
  });

  it("know lines of JSON loggers", () => {
    const line = (time: number, id: number): string =>
      JSON.stringify({
        level: 50,
        time,
        msg: `order ${id} failed`,
        err: { type: "TypeError", message: "cart.total is undefined", stack: node.join("\n") },
      });
    assert.deepEqual(fresh([line(1, 5), line(2, 6)]), [
      { text: "order 5 failed: TypeError: cart.total is undefined", count: 2, frame: "server.js:88" },
    ]);
    assert.deepEqual(fresh(['{"level":"info","message":"up 2"}'], ['{"level":"info","message":"up 1"}']), []);
    assert.deepEqual(fresh(['{"level":"warn","msg":"slow"}', "{not json}"]), [
      { text: "slow", count: 1 },
      { text: "{not json}", count: 1 },
    ]);
  });

  it("are plain, short and few, however much an app writes", () => {
    const lines = Array.from(
      { length: 20_000 },
      (_, index) => `\u001b[31mError\u001b[0m: ${"x".repeat(3_000)}${index % 7}`,
    );
    const shown = fresh(lines);
    assert.equal(shown.length, 1);
    assert.equal(shown[0]?.count, 20_000);
    assert.equal(shown[0]?.text.length, 160);
    assert.ok(shown[0]?.text.startsWith("Error: xxx"));
    const kinds = Array.from(
      { length: 30 },
      (_, index) => `Error: kind ${String.fromCharCode(97 + (index % 26))}${index > 25 ? "z" : ""}`,
    );
    assert.equal(fresh(kinds).length, 5);
  });
});

describe("the why lines of a rollback", () => {
  const evidence: Evidence = {
    routes: [{ route: "POST /checkout", status: 500, bad: 4, stableBad: 0, excess: 4 }],
    lines: [{ text: "TypeError: cart.total is undefined", count: 4, frame: "server.js:88" }],
    commits: ["Round totals", "Add a test"],
    missing: [],
  };

  it("name route, error and commits", () => {
    assert.deepEqual(explainEvidence(evidence, "9f2c1e"), [
      "POST /checkout 500 ×4, new in 9f2c1e",
      "TypeError: cart.total is undefined  (server.js:88)",
      "2 commits between, the newest: Round totals",
    ]);
  });

  it("say what stable did on the same route, and what never got an answer", () => {
    const routes = [
      { route: "GET /feed", status: 0, bad: 40, stableBad: 3, excess: 39 },
      { route: "GET /b", status: 500, bad: 1, stableBad: 0, excess: 1 },
    ];
    assert.deepEqual(
      explainEvidence({ ...evidence, routes, lines: [{ text: "gone", count: 1 }], commits: ["One"] }, "v2"),
      ["GET /feed no answer ×40, stable ×3 in the same time; 1 more route", "gone", "1 commit between: One"],
    );
  });

  it("tell apart what it failed and what others answered in its place", () => {
    assert.deepEqual(explainEvidence({ ...evidence, failures: 4, passedOn: 88 }, "9f2c1e").slice(0, 2), [
      "POST /checkout 500 ×4, new in 9f2c1e",
      "88 requests went on to another instance, because 9f2c1e's was failing or gone",
    ]);
    const [only] = explainEvidence({ routes: [], lines: [], commits: [], missing: [], passedOn: 1 }, "v2");
    assert.equal(only, "1 request went on to another instance, because v2's was failing or gone");
  });

  it("are none when nothing was found", () => {
    assert.deepEqual(explainEvidence({ routes: [], lines: [], commits: [], missing: ["x"] }, "v2"), []);
  });
});
