import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { crc32 } from "node:zlib";
import { cohortOf, isInCandidate } from "../../src/core/traffic/share.ts";
import { get, startApp, startPlane } from "../proxy/plane-under-test.ts";
import { until } from "../support/until.ts";
import { side, type Stage, startStage } from "./stage.ts";

let stage: Stage;
/** What the apps were last sent in `x-tidegate-cohort`. */
let passedOn: string | undefined;
const opened = new AsyncDisposableStack();
after(() => opened.disposeAsync());

before(async () => {
  const named = (name: string) =>
    startApp((request, response) => {
      passedOn = request.headers["x-tidegate-cohort"] as string | undefined;
      if (request.url === "/public") response.setHeader("cache-control", "public, max-age=60");
      response.end(name);
    });
  stage = opened.use(await startStage({ apps: { v1: await named("v1"), v2: await named("v2") } }));
});

const ids = Array.from({ length: 60 }, (_, index) => `visitor-${index}-abcdefgh`);
const ask = (headers: Record<string, string> = {}, path = "/") => get(stage.haproxy.port, path, headers);
const as = async (id: string) => (await ask({ cookie: `theme=dark; tidegate=${id}` })).body;

describe("an HAProxy with Tidegate's part", () => {
  it("goes its own way until a version has been given traffic", async () => {
    assert.equal((await ask()).body, "before");
    await stage.write({ stable: null, share: 0 });
    assert.equal((await ask()).body, "before");
  });

  it("sends each visitor to the side where Tidegate's own proxy sends them", async () => {
    const { v1, v2 } = stage.apps;
    const table = await stage.write({ share: 3_000, offset: 4_711 });
    await using plane = await startPlane({
      ...table,
      stable: side("v1", "blue", v1),
      candidate: side("v2", "green", v2),
    });
    for (const id of ids) {
      const expected = isInCandidate(cohortOf(crc32(id)), 4_711, 3_000) ? "v2" : "v1";
      assert.equal(await as(id), expected, id);
      assert.equal((await get(plane.port, "/", { cookie: `tidegate=${id}` })).body, expected, id);
    }
  });

  it("keeps whoever was in at a smaller share, and gives a stranger a cookie that keeps them", async () => {
    await stage.write({ share: 6_000, offset: 4_711 });
    for (const id of ids.filter((each) => isInCandidate(cohortOf(crc32(each)), 4_711, 3_000)))
      assert.equal(await as(id), "v2");
    const first = await ask();
    const cookie = first.headers.get("set-cookie") ?? "";
    assert.match(cookie, /^tidegate=[0-9a-f-]{36}; Path=\/; Max-Age=7776000; HttpOnly; SameSite=Lax$/);
    for (let again = 0; again < 3; again += 1)
      assert.equal((await ask({ cookie: cookie.split(";")[0] ?? "" })).body, first.body);
    assert.equal((await ask({}, "/public")).headers.get("set-cookie"), null, "shared caches keep it");
  });

  it("gives a version to those who may ask for one, and nobody else", async () => {
    await stage.write({ share: 0, pins: { header: "x-tidegate-version", token: "staff" } });
    const pin = async (version: string, token: string) =>
      await ask({ "x-tidegate-version": version, "x-tidegate-token": token });
    for (const token of ["engine-token", "staff"]) {
      assert.equal((await pin("v2", token)).body, "v2");
      assert.equal((await pin("candidate", token)).body, "v2");
      assert.equal((await pin("stable", token)).body, "v1");
      const unknown = await pin("v9", token);
      assert.deepEqual([unknown.status, unknown.headers.get("x-tidegate-error")], [503, "unknown-version"]);
    }
    assert.equal((await pin("v2", "guessed")).body, "v1");
    assert.equal((await pin("v2", "")).body, "v1");
    assert.equal((await pin("v2", "engine-token")).headers.get("set-cookie"), null);
  });

  it("keeps what an instance asks on the side of the request that it is for", async () => {
    await stage.write({ share: 5_000 });
    for (const id of ids.slice(0, 12)) {
      const served = await as(id);
      const sealed = passedOn ?? "";
      assert.match(sealed, /^\d{1,4}\.[\w-]{16}$/);
      assert.equal((await ask({ "x-tidegate-cohort": sealed })).body, served, "without a cookie of its own");
      assert.equal(passedOn, sealed, "and on to the next service");
    }
    await ask({ "x-tidegate-version": "v2", "x-tidegate-token": "engine-token" });
    const pinned = passedOn ?? "";
    assert.match(pinned, /^green\.[\w-]{16}$/);
    await stage.write({ share: 0 });
    assert.equal((await ask({ "x-tidegate-cohort": pinned })).body, "v2");
    assert.equal((await ask({ "x-tidegate-cohort": `green.${"A".repeat(16)}` })).body, "v1", "signed by nobody");
  });

  it("divides by request alone where nobody is to stay", async () => {
    await stage.write({ share: 10_000 });
    assert.equal((await ask()).body, "v2");
    await stage.write({ share: 0, candidate: null });
    assert.equal((await ask()).body, "v1");
    assert.equal((await ask()).headers.get("set-cookie"), null, "there is nothing to stay between");
  });

  it("leaves what a dead candidate should have taken to stable, and counts that against it", async () => {
    await stage.write({ share: 10_000 });
    await stage.traffic.read();
    const { next } = await stage.traffic.observations(0);
    await stage.haproxy.command("set server tidegate.shop.production.web.green/web-green-1 state maint");
    assert.equal((await ask()).body, "v1");
    const row = await until("the second to be over", async () => {
      const { rows } = await stage.traffic.observations(next);
      return rows.find(({ version, passedOn: counted }) => version === "v2" && counted === 1) ?? null;
    });
    assert.equal(row.status.failed, 1);
    assert.equal((await stage.traffic.read())?.endpoints["web-green-1"]?.healthy, false, "a foreign hand is seen");
    await stage.write({ share: 10_000 });
    assert.equal((await ask()).body, "v2", "and put right with the next table");
  });
});
