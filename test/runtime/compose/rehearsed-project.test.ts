import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { describe, it } from "node:test";
import { projectsDatabase } from "../../../src/adapters/runtime/compose/database-service.ts";
import { withNamedServices } from "../../../src/adapters/runtime/compose/named-services.ts";
import { mustStayInside } from "../../../src/adapters/runtime/compose/reaching-out.ts";
import {
  rehearsedDocument,
  type RehearsedOrder,
  rehearsedProject,
} from "../../../src/adapters/runtime/compose/rehearsed-project.ts";
import {
  dependenciesOf,
  nameOnEngine,
  parseResolved,
  type ResolvedProject,
} from "../../../src/adapters/runtime/compose/resolved-project.ts";
import { listOf, mapOf } from "../../../src/adapters/runtime/compose/written-values.ts";
import type { UserProject } from "../../../src/adapters/runtime/compose/user-project.ts";
import type { Fault } from "../../../src/core/fault.ts";
import type { RehearsedProject } from "../../../src/core/plan/compose.ts";
import { temporaryFolder } from "../../support/temporary-folder.ts";

const FILE = `
services:
  web:
    build: { context: /u }
    depends_on: { redis: { condition: service_healthy }, mailer: { condition: service_started }, seed: { condition: service_completed_successfully } }
    environment: { DATABASE_URL: "postgres://shop:pa$$word@127.0.0.1:5432/shop", CACHE: "redis://redis", MAIL: "smtp" }
    labels: { traefik.enable: "true" }
    networks: { default: null, company: { aliases: [shop], ipv4_address: 10.0.0.9 } }
    volumes: ["uploads:/uploads", "nfs:/shared"]
  mailer: { image: mailer, depends_on: [] }
  seed: { image: "shop:1", depends_on: [postgres], environment: ["DB_NAME=shop"], pull_policy: always }
  redis: { image: "redis:7", container_name: shop-cache, ports: ["6379:6379"], logging: { driver: syslog }, network_mode: none }
  postgres:
    build: { context: /u/postgres }
    environment: { POSTGRES_USER: shop, POSTGRES_PASSWORD_FILE: /run/secrets/pw, POSTGRES_DB: shop }
    ports: [{ published: 5432, target: 5432 }]
    volumes: ["orders:/var/lib/postgresql/data"]
  nightly: { image: nightly }
networks: { company: { external: true, name: company }, default: { ipam: { config: [{ subnet: 10.9.0.0/16 }] } } }
volumes:
  uploads: { name: uploads_for_ever }
  nfs: { driver_opts: { type: none, o: bind, device: /srv/shared } }
  orders: { external: true }
`;

const REHEARSAL: RehearsedProject = {
  services: ["web"],
  without: ["mailer"],
  env: { TIDEGATE_REHEARSAL: "1", MAIL: "${MAIL_OF_TESTS}" },
  database: { name: "shop", copy: "shop", at: { host: "postgres", port: 5_432 } },
  server: {
    service: "postgres",
    port: 5_432,
    publish: { host: "127.0.0.1", port: 4_711 },
    env: { POSTGRES_PASSWORD: "${SECRET}" },
  },
};
const ORDER: RehearsedOrder = {
  rehearsal: REHEARSAL,
  values: { SECRET: "pa$s", MAIL_OF_TESTS: "off" },
  directory: "/u",
  usersDirectory: "/u",
};
const resolved = (text = FILE): ResolvedProject => parseResolved(text, "shop-rehearsal-1");
const made = (text = FILE, order: Partial<RehearsedOrder> = {}): ResolvedProject =>
  rehearsedProject(resolved(text), { ...ORDER, ...order });
const read = (text: string, folder = "/u"): UserProject =>
  ({
    resolved: resolved(text),
    files: { documents: [], directory: folder, usersDirectory: folder },
  }) as unknown as UserProject;
const faultOf = (work: () => unknown): Fault | null => {
  try {
    work();
    return null;
  } catch (error) {
    return (error as { fault: Fault }).fault;
  }
};

describe("A compose project in a rehearsal", () => {
  it("has what is released and what that needs, and neither workers that are left out nor anybody else", () => {
    const { services } = made();
    assert.deepEqual(Object.keys(services).sort(), ["postgres", "redis", "seed", "web"]);
    assert.deepEqual(Object.keys(services["web"]?.["depends_on"] as object), ["redis", "seed"]);
  });

  it("has whom an environment names too: nobody else is in its networks", () => {
    const needed = (environment: string, dependsOn = ""): readonly string[] => {
      const text = `services: { web: { environment: { ${environment} } ${dependsOn} }, redis: { container_name: shop-cache }, kafka1: {}, kafka2: {} }`;
      const { services } = withNamedServices(resolved(text));
      return [...dependenciesOf(services["web"] ?? {}).keys()];
    };
    assert.deepEqual(needed("CACHE: 'redis://:pw@redis:6379/1'"), ["redis"]);
    assert.deepEqual(needed("BROKERS: 'kafka1:9092, kafka2:9092'", ", depends_on: [redis]"), [
      "redis",
      "kafka1",
      "kafka2",
    ]);
    assert.deepEqual(needed("REDIS_HOST: shop-cache"), ["redis"]);
    assert.deepEqual(needed("STORE: redis, URL: 'https://example.com/redis'"), []);
  });

  it("has networks and volumes of its own, whoever else's the file names", () => {
    const project = made();
    assert.deepEqual(project.networks, { default: {}, company: {} });
    assert.deepEqual(project.volumes, { uploads: {}, nfs: {}, orders: {} });
    assert.equal(nameOnEngine(project, "volumes", "uploads"), "shop-rehearsal-1_uploads");
    assert.equal(nameOnEngine(project, "networks", "company"), "shop-rehearsal-1_company");
    assert.deepEqual(project.services["web"]?.["networks"], { default: {}, company: { aliases: ["shop"] } });
  });

  it("is found by nobody: no labels, ports, names or logs of production's, no tag fetched anew", () => {
    const { services } = made();
    const keys = Object.values(services).flatMap((service) => Object.keys(service));
    for (const key of ["labels", "container_name", "logging", "pull_policy"]) assert.ok(!keys.includes(key), key);
    assert.deepEqual(services["postgres"]?.["ports"], ["127.0.0.1:4711:5432"]);
    assert.equal(services["redis"]?.["ports"], undefined);
    assert.deepEqual(services["redis"]?.["expose"], ["6379"], "where it takes requests is known");
    assert.equal(services["redis"]?.["network_mode"], "none");
    assert.equal(services["redis"]?.["networks"], undefined);
  });

  it("leads each container to the copy, and has the server of it made for who Tidegate comes as", () => {
    const environment = (name: string): unknown => made().services[name]?.["environment"];
    assert.deepEqual(environment("web"), {
      DATABASE_URL: "postgres://shop:pa$$word@postgres:5432/shop",
      CACHE: "redis://redis",
      TIDEGATE_REHEARSAL: "1",
      MAIL: "off",
    });
    assert.deepEqual(environment("postgres"), {
      POSTGRES_USER: "shop",
      POSTGRES_DB: "shop",
      TIDEGATE_REHEARSAL: "1",
      MAIL: "off",
      POSTGRES_PASSWORD: "pa$$s",
    });
    const { server: _server, ...without } = REHEARSAL;
    const beside = { ...without, database: { name: "shop", copy: "shop_rehearsal_1" } };
    assert.deepEqual(made(FILE, { rehearsal: beside }).services["seed"]?.["environment"], {
      DB_NAME: "shop_rehearsal_1",
      TIDEGATE_REHEARSAL: "1",
      MAIL: "off",
    });
  });

  it("tags what it builds with names of its own, and asks compose for no order", () => {
    const { services } = rehearsedDocument(made(), ORDER) as { services: Record<string, Record<string, unknown>> };
    assert.equal(services["postgres"]?.["image"], "tidegate/shop-rehearsal-1-postgres:shared");
    assert.equal(services["redis"]?.["image"], "redis:7");
    assert.equal(services["web"]?.["depends_on"], undefined);
  });

  it("writes into no folder or file of the machine but those of its version", async () => {
    await using folder = temporaryFolder();
    for (const name of ["version/own", "user/own", "user/data", "user/init"])
      mkdirSync(folder.file(name), { recursive: true });
    writeFileSync(folder.file("user/app.conf"), "");
    const [version, user] = [folder.file("version"), folder.file("user")];
    const file = `services:
  web:
    volumes: ["${version}/own:/own", "${version}/data:/data", "${version}/app.conf:/app.conf", "${version}/init:/docker-entrypoint-initdb.d", "${user}/data:/read:ro"]`;
    const project = made(file, { directory: version, usersDirectory: user });
    const [own, data, conf, init, readOnly] = listOf(project.services["web"]?.["volumes"]);
    const { type, source } = mapOf(data);
    assert.equal(own, `${version}/own:/own`);
    assert.equal(type, "volume");
    assert.deepEqual(Object.keys(project.volumes), [source]);
    assert.deepEqual(conf, { type: "bind", source: `${user}/app.conf`, target: "/app.conf", read_only: true });
    assert.deepEqual(init, {
      type: "bind",
      source: `${user}/init`,
      target: "/docker-entrypoint-initdb.d",
      read_only: true,
    });
    assert.equal(readOnly, `${user}/data:/read:ro`);
  });

  it("is refused where a container would have the machine's own, or another container's", () => {
    for (const line of [
      "network_mode: host",
      'network_mode: "container:db"',
      'pid: "container:db"',
      'volumes_from: ["container:db"]',
      'volumes: ["/var/run/docker.sock:/var/run/docker.sock:ro"]',
    ]) {
      const project = read(
        `services: { web: { depends_on: [side] }, side: { ${line} }, other: { network_mode: host } }`,
      );
      const fault = faultOf(() => mustStayInside(project, REHEARSAL, project.files));
      assert.equal(fault?.code, "rehearsal-not-possible", line);
      assert.match(fault.what, /^side /, line);
    }
    assert.equal(
      faultOf(() => mustStayInside(read(FILE), REHEARSAL, read(FILE).files)),
      null,
    );
  });
});

describe("The app's database in a compose project", () => {
  const found = (services: string, url = "postgres://shop@127.0.0.1:5432/shop") => {
    const project = read(`services: ${services}`);
    return projectsDatabase(project, Object.keys(project.resolved.services), ["web"], url);
  };

  it("is the service that publishes its port, or to which those that are released are sent", () => {
    for (const services of [
      "{ web: {}, db: { ports: ['5432:5433'] } }",
      "{ web: { environment: { X: 'postgres://shop@db:5433/shop' } }, db: { ports: ['5999:5433'] } }",
      "{ web: { environment: { PGHOST: db } }, db: { ports: ['5433'] } }",
    ])
      assert.deepEqual(found(services).server, { service: "db", port: 5_433 }, services);
  });

  it("is none that hands connections on, nor a server elsewhere", () => {
    const pooler =
      "{ web: { environment: { X: 'postgres://shop@pooler/shop' } }, pooler: { environment: { DB_HOST: db1.example } } }";
    assert.equal(found(pooler, "postgres://shop@db1.example/shop").server, null);
    const elsewhere = found("{ web: { environment: { X: 'postgres://shop@db1.example/shop' } }, cache: {} }");
    assert.deepEqual([elsewhere.server, elsewhere.isLed], [null, true]);
    const socket = "postgres://shop@localhost/shop?host=/run/postgresql";
    assert.equal(found("{ web: {}, db: { ports: ['5432:5432'] } }", socket).server, null);
  });

  it("is refused where it is known in somebody else's network alone, or its address stands in a file", async () => {
    const alone = faultOf(() => found("{ web: { environment: { X: 'postgres://shop@other_db/shop' } } }"));
    assert.match(alone?.what ?? "", /^X of web leads to the database at other_db/);
    await using folder = temporaryFolder();
    writeFileSync(folder.file("url"), "postgres://shop:secret@10.0.0.5/shop\n");
    const text = `services: { web: { secrets: [url] } }\nsecrets: { url: { file: ${folder.file("url")} } }`;
    const inFile = faultOf(() => projectsDatabase(read(text), ["web"], ["web"], "postgres://shop@10.0.0.5/shop"));
    assert.match(inFile?.what ?? "", /^url, of which web has the file, holds the address/);
    assert.ok(!JSON.stringify(inFile).includes("secret@"), "no secret is told");
  });
});
