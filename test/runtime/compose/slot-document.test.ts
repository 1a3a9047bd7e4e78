import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { describe, it } from "node:test";
import { parseResolved, type ResolvedProject } from "../../../src/adapters/runtime/compose/resolved-project.ts";
import {
  type SlotContainer,
  slotDocument,
  slotProjectName,
} from "../../../src/adapters/runtime/compose/slot-project.ts";
import { temporaryFolder } from "../../support/temporary-folder.ts";

/** As `docker-compose config` of 1.29 prints it. */
const OLD = `
services:
  web:
    build: { context: /v/web }
    command: [node, server.js]
    container_name: shop-web
    depends_on: { redis: { condition: service_healthy } }
    deploy: { replicas: 2, resources: { limits: { cpus: 0.5, memory: 64M } } }
    environment: { A: "pa$$word", EMPTY: null }
    healthcheck: { test: [CMD, "true"], interval: 2s }
    labels: { team: shop }
    links: ["redis:cache"]
    networks: { front: { aliases: [shop.local] }, back: null }
    ports: [{ published: 8081, target: 3000 }, "127.0.0.1:9229:9229"]
    profiles: [app]
    secrets: [{ source: pw }]
    volumes: ["uploads:/uploads:rw", "/v/conf:/conf:ro", "/v/data:/data:rw", "/anonymous"]
  redis: { image: "redis:7" }
networks: { front: null, back: { external: true, name: company } }
secrets: { pw: { file: /v/pw.txt } }
volumes: { uploads: {} }
version: '3.9'
`;

/** As `docker compose config --format json` of 2.x prints it. */
const NEW = JSON.stringify({
  name: "shop",
  services: {
    web: {
      command: null,
      entrypoint: null,
      environment: ["A=1"],
      image: "shop:1",
      networks: { default: null },
      ports: [{ mode: "ingress", target: 3000, published: "8081", protocol: "tcp" }],
      restart: "always",
      volumes: [
        { type: "volume", source: "uploads", target: "/uploads", volume: {} },
        { type: "bind", source: "/v/data", target: "/data", bind: { create_host_path: true } },
      ],
    },
  },
  networks: { default: { name: "shop_default", ipam: {} } },
  volumes: { uploads: { name: "files" } },
});

const container = (project: ResolvedProject, more: Partial<SlotContainer> = {}): SlotContainer => ({
  project,
  service: "web",
  instance: "web-green-0-9f2c1e4a",
  containerName: "shop-production-web-green-0-9f2c1e4a",
  image: "sha256:abc",
  labels: { "tidegate.version": "9f2c1e" },
  environment: { TIDEGATE_SLOT: "green", COST: "$5" },
  network: { name: "tidegate-shop-production-green", address: "172.20.0.2" },
  peers: [],
  directory: "/v",
  usersDirectory: "/user",
  ...more,
});

const serviceIn = (document: unknown): Record<string, unknown> =>
  (document as { services: Record<string, Record<string, unknown>> }).services["web-green-0-9f2c1e4a"] ?? {};

describe("the document of a slot's container", () => {
  it("is the user's service, with a name, image and address of its own", () => {
    const web = serviceIn(slotDocument([container(parseResolved(OLD, "shop"))]));
    assert.equal(web["image"], "sha256:abc");
    assert.equal(web["container_name"], "shop-production-web-green-0-9f2c1e4a");
    assert.deepEqual(web["command"], ["node", "server.js"]);
    assert.deepEqual(web["healthcheck"], { test: ["CMD", "true"], interval: "2s" });
    for (const key of ["build", "ports", "depends_on", "links", "profiles"]) assert.ok(!(key in web), key);
  });

  it("keeps limits, and leaves to Tidegate how many there are", () => {
    const web = serviceIn(slotDocument([container(parseResolved(OLD, "shop"))]));
    assert.deepEqual(web["deploy"], { resources: { limits: { cpus: 0.5, memory: "64M" } } });
  });

  it("adds to environment and labels, and lets compose fill nothing into what is added", () => {
    const web = serviceIn(slotDocument([container(parseResolved(OLD, "shop"))]));
    assert.deepEqual(web["environment"], { A: "pa$$word", EMPTY: null, TIDEGATE_SLOT: "green", COST: "$$5" });
    assert.deepEqual(web["labels"], { team: "shop", "tidegate.version": "9f2c1e" });
    const other = serviceIn(slotDocument([container(parseResolved(NEW, "shop"))]));
    assert.deepEqual(other["environment"], { A: "1", TIDEGATE_SLOT: "green", COST: "$$5" });
  });

  it("goes by its names in the slot's own network alone, so that nobody else finds a version that is not let in", () => {
    const document = slotDocument([container(parseResolved(OLD, "shop"))]);
    assert.deepEqual(serviceIn(document)["networks"], {
      front: {},
      back: {},
      "tidegate-slot": { aliases: ["web", "shop-web", "shop.local", "web.tidegate-slot"], ipv4_address: "172.20.0.2" },
    });
    assert.deepEqual(document["networks"], {
      "tidegate-slot": { external: true, name: "tidegate-shop-production-green" },
      front: { external: true, name: "shop_front" },
      back: { external: true, name: "company" },
    });
  });

  it("finds its version's other services before those of the same name in the project's networks", () => {
    const project = parseResolved(OLD.replace("redis: { image", "api: { container_name: shop-api, image"), "shop");
    const { external_links: links } = serviceIn(slotDocument([container(project, { peers: ["api"] })]));
    assert.deepEqual(links, ["api.tidegate-slot:api", "api.tidegate-slot:shop-api"]);
    assert.ok(!("external_links" in serviceIn(slotDocument([container(project)]))));
  });

  it("shares the project's volumes, by the names that they have on the engine", () => {
    const old = slotDocument([container(parseResolved(OLD, "shop"))]);
    assert.deepEqual(old["volumes"], { uploads: { external: true, name: "shop_uploads" } });
    const now = slotDocument([container(parseResolved(NEW, "shop"))]);
    assert.deepEqual(now["volumes"], { uploads: { external: true, name: "files" } });
  });

  it("takes folders and files from the version where it has them, else from beside the plan file", async () => {
    await using folder = temporaryFolder();
    mkdirSync(folder.file("version", "conf"), { recursive: true });
    const text = OLD.replaceAll("/v/", `${folder.file("version")}/`);
    const document = slotDocument([
      container(parseResolved(text, "shop"), {
        directory: folder.file("version"),
        usersDirectory: folder.file("user"),
      }),
    ]);
    assert.deepEqual(serviceIn(document)["volumes"], [
      "uploads:/uploads:rw",
      `${folder.file("version", "conf")}:/conf:ro`,
      `${folder.file("user", "data")}:/data:rw`,
      "/anonymous",
    ]);
    assert.deepEqual(document["secrets"], { pw: { file: folder.file("user", "pw.txt") } });
    writeFileSync(folder.file("version", "pw.txt"), "x");
    const again = slotDocument([
      container(parseResolved(text, "shop"), {
        directory: folder.file("version"),
        usersDirectory: folder.file("user"),
      }),
    ]);
    assert.deepEqual(again["secrets"], { pw: { file: folder.file("version", "pw.txt") } });
  });

  it("is restarted unless the compose file says otherwise", () => {
    assert.equal(serviceIn(slotDocument([container(parseResolved(OLD, "shop"))]))["restart"], "unless-stopped");
    assert.equal(serviceIn(slotDocument([container(parseResolved(NEW, "shop"))]))["restart"], "always");
    const no = parseResolved(`services: { web: { image: x, restart: "no" } }`, "shop");
    assert.equal(serviceIn(slotDocument([container(no)]))["restart"], "no");
  });

  it("publishes one port where its own address can't be reached", () => {
    const project = parseResolved(NEW, "shop");
    const fixed = container(project, { publish: { host: "127.0.0.1", port: 20_001, target: 3000 } });
    assert.deepEqual(serviceIn(slotDocument([fixed]))["ports"], ["127.0.0.1:20001:3000"]);
    const any = container(project, { publish: { host: "10.0.0.5", target: 3000 } });
    assert.deepEqual(serviceIn(slotDocument([any]))["ports"], ["10.0.0.5::3000"]);
  });

  it("belongs to a project that is called by app, environment and slot", () => {
    assert.equal(slotProjectName("shop", "Staging_EU", "blue"), "shop-staging_eu-blue");
  });
});
