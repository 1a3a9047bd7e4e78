import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { crc32 } from "node:zlib";
import { cohortOf, isInCandidate } from "../../src/core/traffic/share.ts";
import type { RoutingTable } from "../../src/core/traffic/routing.ts";
import { isPubliclyCacheable } from "../../src/proxy/cohort.ts";
import {
  type App,
  backend,
  endpoint,
  exchangeRaw,
  get,
  type PlaneUnderTest,
  startApp,
  startNamedApp,
  startPlane,
} from "./plane-under-test.ts";

interface Split extends AsyncDisposable {
  readonly plane: PlaneUnderTest;
  readonly port: number;
}

async function startSplit(changes: Partial<RoutingTable>, apps?: readonly [App, App]): Promise<Split> {
  const [stable, candidate] = apps ?? [await startNamedApp("v1"), await startNamedApp("v2")];
  const plane = await startPlane({
    release: 7,
    stable: backend("v1", endpoint("web-blue-1", stable)),
    candidate: backend("v2", endpoint("web-green-1", candidate)),
    ...changes,
  });
  return {
    plane,
    port: plane.port,
    async [Symbol.asyncDispose]() {
      await plane[Symbol.asyncDispose]();
      await stable.close();
      await candidate.close();
    },
  };
}

/** What happens to so many fresh visitors. */
async function visitors(port: number, count: number, headers?: () => Record<string, string>): Promise<string[]> {
  const names: string[] = [];
  for (let at = 0; at < count; at += 50) {
    const batch = Array.from({ length: Math.min(50, count - at) }, () => get(port, "/", headers?.() ?? {}));
    names.push(...(await Promise.all(batch)).map(({ body }) => body));
  }
  return names;
}

function isWithinThreeSigma(seen: number, all: number, share: number): boolean {
  return Math.abs(seen - all * share) <= 3 * Math.sqrt(all * share * (1 - share));
}

function cookieOf(setCookie: string | null): string {
  return /^tidegate=([A-Za-z0-9_-]+);/.exec(setCookie ?? "")?.[1] ?? "";
}

describe("split", () => {
  for (const kind of ["none", "cookie"] as const) {
    it(`gives the candidate its share of fresh visitors, within 3 sigma (${kind})`, async () => {
      const sticky = kind === "none" ? ({ kind } as const) : ({ kind, name: "tidegate" } as const);
      await using split = await startSplit({ share: 2_000, sticky });
      const draw = async (): Promise<number> =>
        (await visitors(split.port, 2_000)).filter((name) => name === "v2").length;
      const first = await draw();
      if (isWithinThreeSigma(first, 2_000, 0.2)) return;
      // Chance alone does this once in 370 times, but not twice in a row.
      const second = await draw();
      assert.ok(isWithinThreeSigma(second, 2_000, 0.2), `${first} and ${second} of 2000 at 20 %`);
    });
  }

  it("gives the candidate nothing at 0 and all at 100 %", async () => {
    await using split = await startSplit({ share: 0 });
    assert.deepEqual(new Set(await visitors(split.port, 100)), new Set(["v1"]));
    await split.plane.put({ share: 10_000 });
    assert.deepEqual(new Set(await visitors(split.port, 100)), new Set(["v2"]));
  });

  it("gives a candidate without a stable beside it its share, and nobody the rest", async () => {
    await using split = await startSplit({ stable: null, share: 0 });
    const answer = await get(split.port);
    assert.equal(answer.status, 503);
    assert.equal(answer.headers.get("x-tidegate-error"), "no-table");
    assert.equal(
      (await get(split.port, "/", { "x-tidegate-version": "v2", "x-tidegate-token": "engine-token" })).body,
      "v2",
    );
    await split.plane.put({ share: 10_000 });
    assert.deepEqual(new Set(await visitors(split.port, 20)), new Set(["v2"]));
  });
});

describe("visitors", () => {
  it("get a cookie that only the browser and we can read, and stay where they are", async () => {
    await using split = await startSplit({ share: 5_000 });
    for (let i = 0; i < 20; i += 1) {
      const first = await get(split.port);
      const setCookie = first.headers.get("set-cookie") ?? "";
      assert.match(setCookie, /^tidegate=[A-Za-z0-9_-]{22}; Path=\/; Max-Age=\d+; HttpOnly; SameSite=Lax$/);
      const again = await get(split.port, "/", { cookie: `a=b; tidegate=${cookieOf(setCookie)}; c=d` });
      assert.equal(again.body, first.body);
      assert.equal(again.headers.get("set-cookie"), null);
    }
  });

  it("are placed by the same arithmetic in every data plane", async () => {
    await using split = await startSplit({ share: 3_000, offset: 4_321 });
    for (let i = 0; i < 50; i += 1) {
      const id = `visitor-number-${i}-of-this-test`;
      const expected = isInCandidate(cohortOf(crc32(id)), 4_321, 3_000) ? "v2" : "v1";
      assert.equal((await get(split.port, "/", { cookie: `tidegate=${id}` })).body, expected);
    }
  });

  it("who are in at 5 % are in at 25 %, and leave in the order in which they came", async () => {
    await using split = await startSplit({ share: 500 });
    const ids = Array.from({ length: 300 }, (_, i) => `visitor-number-${i}-of-this-test`);
    const inAt = async (share: number): Promise<Set<string>> => {
      await split.plane.put({ share });
      const bodies = await Promise.all(ids.map((id) => get(split.port, "/", { cookie: `tidegate=${id}` })));
      return new Set(ids.filter((_, i) => bodies[i]?.body === "v2"));
    };
    const steps = [await inAt(500), await inAt(2_500), await inAt(5_000)] as const;
    assert.ok(steps[0].size > 0 && steps[0].size < steps[1].size && steps[1].size < steps[2].size);
    assert.ok(steps[0].isSubsetOf(steps[1]) && steps[1].isSubsetOf(steps[2]));
    assert.deepEqual(await inAt(2_500), steps[1]);
    assert.deepEqual(await inAt(500), steps[0]);
  });

  it("can't pick a side with a cookie of their own making", async () => {
    await using split = await startSplit({ share: 5_000 });
    const answer = await get(split.port, "/", { cookie: "tidegate=1" });
    assert.notEqual(cookieOf(answer.headers.get("set-cookie")), "");
  });

  it("get a secure cookie when they came by TLS to a proxy of our own", async () => {
    await using split = await startSplit({ share: 5_000 });
    const answer = await get(split.port, "/", { "x-forwarded-proto": "https" });
    assert.match(answer.headers.get("set-cookie") ?? "", /; Secure$/);
  });

  it("get no cookie while no release runs, nor when nobody is to stay", async () => {
    await using split = await startSplit({ candidate: null, share: 0 });
    assert.equal((await get(split.port)).headers.get("set-cookie"), null);
    await split.plane.put({ candidate: backend("v2"), share: 100, sticky: { kind: "none" } });
    assert.equal((await get(split.port)).headers.get("set-cookie"), null);
  });

  it("stay by a header that the plan names, and by cookie without it", async () => {
    await using split = await startSplit({
      share: 5_000,
      sticky: { kind: "header", name: "authorization", cookie: "tidegate" },
    });
    const keys = Array.from({ length: 20 }, (_, i) => `Bearer ${i}`);
    for (const authorization of keys) {
      const first = await get(split.port, "/", { authorization });
      assert.equal(first.headers.get("set-cookie"), null);
      const expected = isInCandidate(cohortOf(crc32(authorization)), 0, 5_000) ? "v2" : "v1";
      assert.equal(first.body, expected);
    }
    assert.notEqual(cookieOf((await get(split.port)).headers.get("set-cookie")), "");
  });

  it("get no cookie with an answer that a shared cache may keep", async () => {
    let cacheControl = "";
    const app = await startApp((_request, response) => {
      if (cacheControl !== "") response.setHeader("cache-control", cacheControl);
      response.end("app");
    });
    const other = await startNamedApp("v2");
    await using split = await startSplit({ share: 1 }, [app, other]);
    const setsCookie = async (value: string): Promise<boolean> => {
      cacheControl = value;
      return (await get(split.port)).headers.get("set-cookie") !== null;
    };
    assert.equal(await setsCookie("public, max-age=60"), false);
    assert.equal(await setsCookie("max-age=60"), false);
    assert.equal(await setsCookie("s-maxage=60"), false);
    assert.equal(await setsCookie("max-age=0"), true);
    assert.equal(await setsCookie("private, max-age=60"), true);
    assert.equal(await setsCookie("no-store"), true);
    assert.equal(await setsCookie(""), true);
  });

  it("are not cached by an expiry date that has passed", () => {
    assert.equal(isPubliclyCacheable("", new Date(Date.now() + 60_000).toUTCString()), true);
    assert.equal(isPubliclyCacheable("", "0"), false);
    assert.equal(isPubliclyCacheable("", "Thu, 01 Jan 1970 00:00:00 GMT"), false);
  });
});

describe("pins", () => {
  const pins = { header: "x-tidegate-version", token: "staff" } as const;

  it("send those who may to the version that they name, whatever the share", async () => {
    await using split = await startSplit({ share: 0, pins });
    const to = (version: string, token?: string) =>
      get(split.port, "/", {
        "x-tidegate-version": version,
        ...(token === undefined ? {} : { "x-tidegate-token": token }),
      });
    assert.equal((await to("v2", "staff")).body, "v2");
    assert.equal((await to("v2", "engine-token")).body, "v2");
    assert.equal((await to("candidate", "engine-token")).body, "v2");
    assert.equal((await to("stable", "engine-token")).body, "v1");
    assert.equal((await to("v2", "wrong")).body, "v1");
    assert.equal((await to("v2", "")).body, "v1");
    assert.equal((await to("v2")).body, "v1");
    const unknown = await to("v3", "staff");
    assert.equal(unknown.status, 503);
    assert.equal(unknown.headers.get("x-tidegate-error"), "unknown-version");
  });

  it("are open to nobody when there are no tokens", async () => {
    await using split = await startSplit({ share: 0, engineToken: "" });
    const answer = await get(split.port, "/", { "x-tidegate-version": "v2", "x-tidegate-token": "" });
    assert.equal(answer.body, "v1");
  });

  it("do not reach the app, and neither does what looks like ours", async () => {
    let headers: NodeJS.Dict<string | string[]> = {};
    const echo = await startApp((request, response) => {
      headers = request.headers;
      response.setHeader("x-tidegate-error", "pretended");
      response.end("echo");
    });
    await using split = await startSplit({ share: 0, pins: { header: "X-Version", token: "staff" } }, [
      echo,
      await startNamedApp("v2"),
    ]);
    const answer = await get(split.port, "/", {
      "x-version": "v1",
      "x-tidegate-token": "staff",
      "x-tidegate-anything": "1",
      "x-tidegate-cohort": "17",
    });
    assert.equal(answer.body, "echo");
    assert.equal(answer.headers.get("x-tidegate-error"), null);
    assert.equal(headers["x-version"], undefined);
    assert.deepEqual(
      Object.keys(headers).filter((name) => name.startsWith("x-tidegate-")),
      ["x-tidegate-cohort"],
    );
    assert.notEqual(headers["x-tidegate-cohort"], "17");
  });

  it("leave no evidence: nobody drew their version", async () => {
    await using split = await startSplit({ share: 0, pins });
    await get(split.port, "/", { "x-tidegate-version": "v2", "x-tidegate-token": "staff" });
    const { plane } = split.plane;
    assert.ok(plane.state().lastRequestAt.v2 !== null);
    assert.equal(plane.observations.tally("v2").open.requests, 0);
  });
});

describe("services that call each other", () => {
  /** `front` asks `back` through the plane and passes on what it was told of its own side. */
  async function startPair(version: string, portOfPlane: () => number): Promise<readonly [App, App]> {
    const back = await startNamedApp(`back-${version}`);
    const front = await startApp((request, response) => {
      const cohort = request.headers["x-tidegate-cohort"];
      const headers: Record<string, string> = typeof cohort === "string" ? { "x-tidegate-cohort": cohort } : {};
      get(portOfPlane(), "/back", headers).then(
        ({ body }) => response.end(`front-${version} ${body}`),
        () => response.destroy(),
      );
    });
    return [front, back];
  }

  it("stay on one side when they pass the cohort on, pinned requests too", async () => {
    let port = 0;
    const [front1, back1] = await startPair("v1", () => port);
    const [front2, back2] = await startPair("v2", () => port);
    await using _apps = disposable([front1, back1, front2, back2]);
    const both = (version: string, front: App, back: App) =>
      backend(
        version,
        endpoint(`front-${version}`, front, { service: "front" }),
        endpoint(`back-${version}`, back, { service: "back" }),
      );
    await using plane = await startPlane({
      stable: both("v1", front1, back1),
      candidate: both("v2", front2, back2),
      share: 5_000,
      routes: [
        { path: "/", service: "front" },
        { path: "/back", service: "back" },
      ],
    });
    port = plane.port;
    const names = await visitors(port, 60);
    assert.deepEqual(new Set(names), new Set(["front-v1 back-v1", "front-v2 back-v2"]));
    await plane.put({ share: 0 });
    const pinned = await get(port, "/", { "x-tidegate-version": "v2", "x-tidegate-token": "engine-token" });
    assert.equal(pinned.body, "front-v2 back-v2");
  });

  it("can't be told a side by anybody else", async () => {
    await using split = await startSplit({ share: 5_000, sticky: { kind: "none" } });
    for (const forged of ["0", "0.AAAAAAAAAAAAAAAA", "@v2.AAAAAAAAAAAAAAAA", "."]) {
      const names = await visitors(split.port, 60, () => ({ "x-tidegate-cohort": forged }));
      assert.equal(new Set(names).size, 2, `${forged} decided the side`);
    }
  });
});

describe("routes", () => {
  it("go by host, then by the longest path of whole segments", async () => {
    const apps = new Map<string, App>();
    for (const name of ["web", "api", "deep", "admin"]) apps.set(name, await startNamedApp(name));
    await using _apps = disposable([...apps.values()]);
    await using plane = await startPlane({
      stable: backend("v1", ...[...apps].map(([name, app]) => endpoint(name, app, { service: name }))),
      routes: [
        { path: "/", service: "web" },
        { path: "/api", service: "api" },
        { path: "/api/deep/", service: "deep" },
        { host: "Admin.example", path: "/console", service: "admin" },
      ],
    });
    for (const [path, service] of [
      ["/", "web"],
      ["/apix", "web"],
      ["/api", "api"],
      ["/api?x=1", "api"],
      ["/api/x", "api"],
      ["/api/deep", "deep"],
      ["/api/deep/x", "deep"],
      ["/api/deeper", "api"],
      ["/console", "web"],
    ] as const) {
      assert.equal((await get(plane.port, path)).body, service, path);
    }
    const admin = (path: string) =>
      exchangeRaw(plane.port, `GET ${path} HTTP/1.1\r\nHost: admin.EXAMPLE:8080\r\nConnection: close\r\n\r\n`);
    assert.match(await admin("/console/x"), /admin$/);
    assert.match(await admin("/other"), /web$/);
  });

  it("answer 404 of the plane's own where no service is", async () => {
    await using app = await startNamedApp("api");
    await using plane = await startPlane({
      stable: backend("v1", endpoint("api", app, { service: "api" })),
      routes: [{ path: "/api", service: "api" }],
    });
    const answer = await get(plane.port, "/");
    assert.equal(answer.status, 404);
    assert.equal(answer.headers.get("x-tidegate-error"), "no-route");
  });
});

function disposable(apps: readonly App[]): AsyncDisposable {
  return { [Symbol.asyncDispose]: async () => void (await Promise.all(apps.map((app) => app.close()))) };
}
