import { deepEqual, equal, match, ok, throws } from "node:assert/strict";
import { describe, it } from "node:test";
import type { Plan } from "../../src/core/plan/plan.ts";
import type { Service } from "../../src/core/plan/service.ts";
import type { Step } from "../../src/core/plan/step.ts";
import { type ToBeReleased, wasRehearsed } from "../../src/core/rehearsal/evidence.ts";
import { madeUpRequests } from "../../src/core/rehearsal/made-up-requests.ts";
import { isSafe, readRecordedRequests } from "../../src/core/rehearsal/recorded-requests.ts";
import { NO_REQUESTS, type Rehearsal } from "../../src/core/rehearsal/rehearsal.ts";
import { plannedThere, rehearsedPlan, startingPlan } from "../../src/core/rehearsal/rehearsed-plan.ts";
import type { SmokeFlow } from "../../src/core/smoke/smoke.ts";
import { DAY, HOUR, MINUTE } from "../../src/core/time/time.ts";
import { GUARDS, planOf, step, WEB, WORKER } from "../support/plans.ts";

const BASE = { guards: GUARDS, else: "rollback" } as const;
const get = (path: string): SmokeFlow["requests"][number] => ({
  kind: "http",
  name: `GET ${path}`,
  method: "GET",
  path,
  timeoutMs: 1_000,
  attempts: 1,
  headers: {},
  expect: { status: [], headers: {}, contains: [], json: [] },
  save: {},
});
const flow = (name: string, ...requests: SmokeFlow["requests"]): SmokeFlow => ({
  name,
  service: "web",
  requests,
  cleanup: [],
  variables: {},
});
const smoke = (...flows: readonly SmokeFlow[]): Step => ({ ...BASE, kind: "smoke", id: "smoke", name: "smoke", flows });
const sandbox = { ports: [4_711], env: { web: { DATABASE_URL: "${COPY}" } } };
const rehearsed = (plan: Plan): ReturnType<typeof rehearsedPlan> => rehearsedPlan(plan, sandbox);
const namesOf = ({ steps }: Plan): readonly string[] => steps.map(({ name }) => name);

describe("The plan of a rehearsal", () => {
  const plan = planOf([
    step.run("./purge.sh"),
    step.run("./index.sh", undefined, { rehearse: true }),
    step.migrate("expand"),
    step.start(),
    smoke(
      flow("reads", get("/items")),
      flow("shells", { kind: "command", name: "sh", command: "./x", timeoutMs: 1, attempts: 1 }),
    ),
    step.approve(),
    step.shift(5, 3 * DAY),
    step.shift(100, 500, { afterMs: HOUR }),
    step.retire(),
    step.migrate("contract"),
  ]);

  it("has every step that stays in the sandbox, and names each that does not", () => {
    const { plan: own, leftOut } = rehearsed(plan);
    deepEqual(namesOf(own), [
      "./index.sh",
      "migrate expand",
      "start",
      "smoke",
      "shift 5%",
      "shift 100%",
      "retire",
      "migrate contract",
    ]);
    deepEqual(
      leftOut.map(({ what }) => what),
      ['step "./purge.sh"', 'the flow "shells" of "smoke"', 'step "approve"', 'the 1h before "shift 100%"'],
    );
  });

  it("holds each share for as long as the plan says, and never for longer than a few seconds", () => {
    const holds = rehearsed(plan).plan.steps.flatMap((each) => (each.kind === "shift" ? [each.hold] : []));
    deepEqual(holds, [
      { kind: "for", ms: 3_000 },
      { kind: "for", ms: 500 },
    ]);
  });

  it("changes nothing where the data would be production's", () => {
    const post = { ...get("/orders"), method: "POST" } as SmokeFlow["requests"][number];
    const orders = planOf([smoke(flow("reads", get("/items")), flow("orders", get("/items"), post))]);
    const flowsIn = (own: Plan): readonly string[] =>
      rehearsed(own).plan.steps.flatMap((each) => (each.kind === "smoke" ? each.flows.map(({ name }) => name) : []));
    deepEqual(flowsIn(orders), ["reads"]);
    match(rehearsed(orders).leftOut[0]?.why ?? "", /^it may change something, and what that is would be production's/);
    const rehearsal = { env: { SHOP_DATA: "/tmp/shop" }, workers: false, paths: [] };
    deepEqual(flowsIn({ ...orders, rehearsal }), ["reads", "orders"]);
  });

  it("listens on ports of its own, in plain HTTP on this machine, whoever divides the traffic of production", () => {
    const { plan: own, leftOut } = rehearsed({
      ...plan,
      traffic: {
        ...plan.traffic,
        kind: "haproxy",
        listen: [{ host: "0.0.0.0", port: 443, tls: { certificate: "/c", key: "/k" } }],
        haproxy: { balancers: [{ kind: "unix", path: "/run/haproxy.sock" }], files: null, inside: "/etc" },
      },
    });
    const { kind, listen, haproxy } = own.traffic;
    deepEqual([kind, listen, haproxy], ["embedded", [{ host: "127.0.0.1", port: 4_711 }], undefined]);
    const named = leftOut.map(({ what }) => what);
    for (const what of ["HAProxy", "TLS at the front door"]) ok(named.includes(what), what);
  });

  it("starts workers only where the plan says that they take no work of production's", () => {
    const services: readonly Service[] = [WEB, WORKER];
    deepEqual(
      rehearsed({ ...plan, services }).plan.services.map(({ name }) => name),
      ["web"],
    );
    const rehearsal = { env: {}, workers: true, paths: [] };
    deepEqual(
      rehearsed({ ...plan, services, rehearsal }).plan.services.map(({ name }) => name),
      ["web", "worker"],
    );
  });

  it("tells nobody, and has no address of production's database left in it", () => {
    const database: NonNullable<Plan["database"]> = {
      kind: "postgres",
      url: "${DATABASE_URL}",
      backups: { folder: ".tidegate/backups", keep: { newest: 7 }, encryptTo: ["age1x"], upload: "aws s3 cp" },
      assertions: [],
    };
    const { plan: own, leftOut } = rehearsedPlan(
      {
        ...plan,
        database,
        notify: [{ kind: "webhook", name: "hook", url: "https://example.com" }],
        page: { to: [], on: [], ackMs: 1, else: [] },
        services: [{ ...WEB, env: { DATABASE_URL: "${DATABASE_URL}", LOG: "info" } }],
      },
      { ...sandbox, database: { url: "${COPY}", backups: "/sandbox/backups" } },
    );
    deepEqual(own.services[0]?.env, { DATABASE_URL: "${COPY}", LOG: "info" });
    deepEqual(
      [own.database?.url, own.database?.backups.folder, own.database?.backups.upload],
      ["${COPY}", "/sandbox/backups", undefined],
    );
    deepEqual(own.database?.backups.encryptTo, ["age1x"], "what is encrypted stays so");
    deepEqual([own.notify, own.page], [[], undefined]);
    for (const what of ["messages to people", "pages", "the upload of the backup"])
      equal(leftOut.filter((each) => each.what === what).length, 1, what);
  });

  it("goes there and back before anything is retired or taken away", () => {
    deepEqual(namesOf(plannedThere(rehearsed(plan).plan)), [
      "./index.sh",
      "migrate expand",
      "start",
      "smoke",
      "shift 5%",
      "shift 100%",
    ]);
    deepEqual(namesOf(startingPlan(plan)), ["start", "shift 100%", "retire"]);
    deepEqual(namesOf(startingPlan({ ...plan, services: [WORKER] })), ["start", "retire"]);
  });
});

describe("The requests of a rehearsal", () => {
  it("are what the plan knows of and only reads", () => {
    const plan: Plan = {
      ...planOf([smoke(flow("reads", get("/items"), get("/items/{{id}}")), flow("asks", get("/health")))]),
      services: [{ ...WEB, routes: [{ host: "shop.example.com", path: "/" }] }],
      rehearsal: { env: {}, workers: false, paths: ["/about"] },
    };
    const headers = { host: "shop.example.com" };
    deepEqual(madeUpRequests(plan), [
      { method: "GET", path: "/about", headers },
      { method: "GET", path: "/health", headers },
      { method: "GET", path: "/items", headers },
    ]);
  });

  it("are asked below the service's route alone", () => {
    const plan = { ...planOf([]), services: [{ ...WEB, routes: [{ path: "/api" }] }] };
    deepEqual(madeUpRequests(plan), [{ method: "GET", path: "/api", headers: {} }]);
  });

  it("are read from a line of JSON each, without what belongs to another connection", () => {
    const text = `{"path":"/items?page=2","headers":{"Accept":"text/html","Host":"shop.example.com","Content-Length":"7"}}

{"method":"post","path":"/orders","body":"{}"}\n`;
    deepEqual(readRecordedRequests(text, new Set()), [
      { method: "GET", path: "/items?page=2", headers: { accept: "text/html" } },
      { method: "POST", path: "/orders", headers: {}, body: "{}" },
    ]);
    deepEqual(readRecordedRequests(text, new Set(["shop.example.com"]))[0]?.headers, {
      accept: "text/html",
      host: "shop.example.com",
    });
  });

  it("are read from a HAR file", () => {
    const entry = (request: object): object => ({ startedDateTime: "2026-11-22", request, response: {} });
    const har = JSON.stringify({
      log: {
        entries: [
          entry({
            method: "GET",
            url: "https://shop.example.com/a?b=c#d",
            headers: [
              { name: ":authority", value: "x" },
              { name: "Cookie", value: "a=b" },
            ],
          }),
          entry({ method: "PUT", url: "http://shop.example.com?x", headers: [], postData: { text: "x=1" } }),
        ],
      },
    });
    deepEqual(readRecordedRequests(har, new Set()), [
      { method: "GET", path: "/a?b=c", headers: { cookie: "a=b" } },
      { method: "PUT", path: "/?x", headers: {}, body: "x=1" },
    ]);
    deepEqual(readRecordedRequests(har, new Set()).map(isSafe), [true, false]);
  });

  it("are refused with their place where they are none", () => {
    throws(
      () => readRecordedRequests('{"path":"/a"}\n{"url":"/b"}', new Set()),
      /^Error: Line 2 of the recording is no request/,
    );
    throws(
      () => readRecordedRequests('{"log":{"entries":[{}]}}', new Set()),
      /^Error: Entry 1 of the recording has no request/,
    );
    throws(() => readRecordedRequests("GET /a", new Set()), /^Error: Line 1 of the recording is no request/);
  });
});

describe("That a version was rehearsed", () => {
  const now = 1_800_000_000_000;
  const of: ToBeReleased = { environment: "production", version: "4be1c02f", label: "4be1c02", planHash: "this" };
  const rehearsal = (agoMs: number, more: Partial<Rehearsal> = {}): Rehearsal => ({
    format: 1,
    id: "0a1b2c3d",
    app: "shop",
    environment: of.environment,
    planHash: of.planHash,
    candidate: { version: of.version, label: of.label },
    stable: null,
    by: "ann",
    startedAt: now - agoMs,
    tookMs: MINUTE,
    passed: true,
    trouble: null,
    database: null,
    parts: [],
    requests: NO_REQUESTS,
    rollback: { fromSharePercent: 100, trafficMs: 9, lastRequestMs: null, wholeMs: 2_000 },
    recovery: { backup: "x", restoreMs: 200_000, startMs: 50_000, wholeMs: 250_000, rows: 7 },
    leftOut: [],
    ...more,
  });
  const asked = (...known: readonly Rehearsal[]): { readonly passed: boolean; readonly detail: string } =>
    wasRehearsed(known, of, DAY, now);

  it("is shown by a good rehearsal of the same version with the same plan, while it is young", () => {
    deepEqual(asked(rehearsal(3 * HOUR)), {
      passed: true,
      detail: "rehearsed 3h ago by ann: back in 9ms, full recovery with the database in 4m 10s",
    });
    equal(asked(rehearsal(DAY)).passed, true);
  });

  const command = "; rehearse it with: tidegate rehearse 4be1c02";
  const cases: readonly (readonly [string, readonly Rehearsal[], string])[] = [
    ["nobody has done it", [], "4be1c02 was never rehearsed"],
    [
      "it was another version",
      [rehearsal(1, { candidate: { version: "b", label: "b" } })],
      "4be1c02 was never rehearsed",
    ],
    ["it was another environment", [rehearsal(1, { environment: "staging" })], "4be1c02 was never rehearsed"],
    ["it was another plan", [rehearsal(1, { planHash: "that" })], "4be1c02 was rehearsed with another plan than this"],
    ["it is too old", [rehearsal(DAY + HOUR)], "4be1c02 was rehearsed 1d 1h ago, which is more than 1d"],
    [
      "the newest one failed, whatever came of those before",
      [
        rehearsal(HOUR, {
          passed: false,
          trouble: { part: "whole", step: "start", fault: { code: "x", what: "It exited." } },
        }),
        rehearsal(2 * HOUR),
      ],
      'the rehearsal of 4be1c02 1h ago failed at "start": It exited',
    ],
  ];
  for (const [why, known, detail] of cases)
    it(`is not shown when ${why}`, () => deepEqual(asked(...known), { passed: false, detail: `${detail}${command}` }));

  it("says in which environment it is to be done", () => {
    match(
      wasRehearsed([], { ...of, environment: "staging" }, DAY, now).detail,
      /tidegate rehearse 4be1c02 --env staging$/,
    );
  });
});
