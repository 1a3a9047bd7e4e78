import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { refusalsOf } from "../../../src/adapters/runtime/compose/refusals.ts";
import {
  containerPorts,
  dependenciesOf,
  mountsOf,
  nameOnEngine,
  networksOf,
  parseResolved,
  portsOf,
} from "../../../src/adapters/runtime/compose/resolved-project.ts";
import { serviceNotices } from "../../../src/adapters/runtime/compose/service-notices.ts";
import { sharedPart } from "../../../src/adapters/runtime/compose/shared-part.ts";
import { unbuiltTasks } from "../../../src/adapters/runtime/compose/unbuilt-tasks.ts";
import type { ServiceOf } from "../../../src/core/plan/service.ts";
import { WEB } from "../../support/plans.ts";
import { isFault } from "../../contract/runtime.ts";

describe("a compose project as compose prints it", () => {
  it("ports in all their spellings", () => {
    assert.deepEqual(
      portsOf({ ports: ["3000", "8080:80", "127.0.0.1:8443:443/tcp", "53:53/udp", "127.0.0.1::9000", 7000] }),
      [
        { target: 3000, protocol: "tcp" },
        { target: 80, protocol: "tcp", published: 8080 },
        { target: 443, protocol: "tcp", published: 8443 },
        { target: 53, protocol: "udp", published: 53 },
        { target: 9000, protocol: "tcp" },
        { target: 7000, protocol: "tcp" },
      ],
    );
    assert.deepEqual(
      portsOf({ ports: ["9000-9002:80-82"] }).map(({ target, published }) => [target, published]),
      [
        [80, 9000],
        [81, 9001],
        [82, 9002],
      ],
    );
    assert.deepEqual(portsOf({ ports: [{ target: 3000, published: "8081", protocol: "tcp" }] }), [
      { target: 3000, protocol: "tcp", published: 8081 },
    ]);
  });

  it("the port that takes requests: published before exposed, TCP alone, each once", () => {
    assert.deepEqual(containerPorts({ ports: ["8080:80", "9090:80", "53:53/udp"], expose: ["3000"] }), [80]);
    assert.deepEqual(containerPorts({ expose: ["3000", "5000/udp"] }), [3000]);
    assert.deepEqual(containerPorts({}), []);
  });

  it("volumes in both forms", () => {
    assert.deepEqual(mountsOf({ volumes: ["data:/d", "/host:/h:ro,z", "/only"] }), [
      { kind: "volume", source: "data", target: "/d", isReadOnly: false },
      { kind: "bind", source: "/host", target: "/h", isReadOnly: true },
      { kind: "volume", target: "/only", isReadOnly: false },
    ]);
    assert.deepEqual(
      mountsOf({
        volumes: [
          { type: "tmpfs", target: "/t" },
          { type: "bind", source: "/h", target: "/x", read_only: true },
        ],
      }),
      [
        { kind: "tmpfs", target: "/t", isReadOnly: false },
        { kind: "bind", source: "/h", target: "/x", isReadOnly: true },
      ],
    );
  });

  it("networks, and what a service waits for", () => {
    assert.deepEqual(networksOf({}), { default: {} });
    assert.deepEqual(networksOf({ networks: ["a", "b"] }), { a: {}, b: {} });
    assert.deepEqual(Object.fromEntries(dependenciesOf({ depends_on: ["a"] })), { a: "started" });
    const long = {
      a: { condition: "service_healthy" },
      b: { condition: "service_completed_successfully", required: true },
      c: {},
    };
    assert.deepEqual(Object.fromEntries(dependenciesOf({ depends_on: long })), {
      a: "healthy",
      b: "completed",
      c: "started",
    });
  });

  it("what the engine calls a network or a volume", () => {
    const text = `{ services: {}, volumes: { a: {}, b: { name: files }, c: { external: true }, d: { external: { name: old } } } }`;
    const project = parseResolved(text, "shop");
    assert.deepEqual(
      ["a", "b", "c", "d", "default"].map((key) => nameOnEngine(project, "volumes", key)),
      ["shop_a", "files", "c", "old", "shop_default"],
    );
  });

  it("one without services is refused", () => {
    assert.throws(() => parseResolved("volumes: {}", "shop"), isFault("compose-file-invalid"));
  });
});

describe("what is shared by all versions", () => {
  const project = parseResolved(
    `services:
  web: { depends_on: { api: {}, migrate: { condition: service_completed_successfully }, redis: { condition: service_healthy } } }
  api: { depends_on: [db] }
  worker: { depends_on: [redis] }
  migrate: { depends_on: { db: { condition: service_healthy } } }
  redis: {}
  db: { depends_on: [storage] }
  storage: {}
  cron: { depends_on: [web] }`,
    "shop",
  );

  it("is what released services depend on, first things first; what completes runs once for each version", () => {
    const { others, tasks } = sharedPart(project, ["web", "api", "worker"]);
    assert.deepEqual(others, ["storage", "db", "redis"]);
    assert.deepEqual(tasks, ["migrate"]);
  });

  it("of one service: what that one needs", () => {
    assert.deepEqual(sharedPart(project, ["web", "api", "worker"], ["worker"]), { others: ["redis"], tasks: [] });
  });
});

describe("a service that can't run twice is refused, with its place", () => {
  const refusals = (service: string): readonly string[] =>
    refusalsOf(parseResolved(`services: { web: ${service} }\nvolumes: { data: {} }`, "shop"), "web", []).map(
      ({ what }) => what,
    );

  it("on the host's network, or without one of its own", () => {
    assert.match(refusals("{ image: x, network_mode: host }")[0] ?? "", /host's own network/);
    assert.match(refusals("{ image: x, network_mode: 'service:db' }")[0] ?? "", /network_mode: service:db/);
  });

  it("with a fixed address", () => {
    assert.match(refusals("{ image: x, networks: { default: { ipv4_address: 10.0.0.9 } } }")[0] ?? "", /fixed address/);
  });

  it("a database with its data", () => {
    assert.match(
      refusals("{ image: 'postgres:15', volumes: ['data:/var/lib/postgresql/data'] }")[0] ?? "",
      /two versions of it would write there/,
    );
    assert.deepEqual(refusals("{ image: 'example/postgres-exporter:1', volumes: ['data:/d'] }"), []);
    assert.deepEqual(refusals("{ image: 'redis:7' }"), []);
  });

  it("and any other is not", () => {
    assert.deepEqual(refusals("{ image: shop, container_name: shop, ports: ['80:80'], volumes: ['data:/d'] }"), []);
  });
});

describe("what a person should know of a service before it is released", () => {
  const composed = (name: string, more: Partial<ServiceOf<"compose">> = {}): ServiceOf<"compose"> => ({
    ...WEB,
    ...more,
    name,
    runtime: { kind: "compose", service: name, project: { files: [], profiles: [], set: {} } },
  });
  const told = (file: string, ...services: readonly ServiceOf<"compose">[]): readonly string[] => {
    const project = { resolved: parseResolved(file, "shop"), files: { documents: [] } };
    return services.flatMap((service) =>
      serviceNotices(project, service, services).map(({ level, sentence }) => `${level}: ${sentence}`),
    );
  };

  it("that what it needs starts later, for want of a route", () => {
    const file = "services: { web: { image: x, ports: ['80'], depends_on: [api] }, api: { image: x } }";
    assert.match(told(file, composed("api", { routes: [] }), composed("web"))[0] ?? "", /^warn: it depends on api/);
    assert.deepEqual(told(file, composed("api"), composed("web")), []);
    assert.deepEqual(told(file, composed("api", { routes: [], overlap: true }), composed("web")), []);
  });

  it("that nobody can choose one of several ports", () => {
    const file = "services: { web: { image: x, ports: ['80', '81'] } }";
    assert.match(told(file, composed("web"))[0] ?? "", /^bad: web names several ports \(80, 81\)/);
  });

  it("that a task can't be built where versions are tags of images", () => {
    const tasks = (task: string, image?: string): readonly string[] => {
      const file = `services: { web: { image: x, depends_on: { schema: { condition: service_completed_successfully } } }, schema: ${task} }`;
      const project = { resolved: parseResolved(file, "shop"), files: { documents: [] } };
      const web = composed("web");
      const runtime = { ...web.runtime, ...(image === undefined ? {} : { image }) };
      return unbuiltTasks(project, [{ ...web, runtime }]).map(({ level, about }) => `${level}: ${about}`);
    };
    assert.deepEqual(tasks("{ build: . }", "shop:${version}"), ["bad: schema"]);
    assert.deepEqual(tasks("{ image: tools }", "shop:${version}"), []);
    assert.deepEqual(tasks("{ build: . }"), [], "a commit has the sources");
  });
});
