import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { FaultError } from "../../src/core/fault.ts";
import type { InstanceSeen } from "../../src/core/observation.ts";
import type { Service } from "../../src/core/plan/service.ts";
import type { Runtime, StartOrder } from "../../src/ports/runtime.ts";
import { until } from "../support/until.ts";

/** A world of its own for one test, with two versions in its history. */
export interface RuntimeWorld extends AsyncDisposable {
  readonly runtime: Runtime;
  /** Another engine's hand on the same world. */
  second(): Runtime;
  /** Full names of two versions, the later one second; between them lie the commits "Second" and "Third". */
  readonly versions: readonly [string, string];
  readonly app: string;
  readonly environment: string;
  /** A service that gets ready, with a build and a route. */
  readonly web: Service;
  /** One without a route. */
  readonly worker: Service;
  /** A service that writes "one", "two", "three" and then ends with code 7. */
  readonly crashing: Service;
  /** What an instance's address looks like, where it is not one of this machine's own. */
  readonly addresses?: RegExp;
  /** `host:port` of something that runs and is none of the runtime's. */
  foreign(): Promise<string>;
  /** Lets time pass where the world has a clock that stands still. */
  pass(): Promise<void>;
}

/** What every runtime promises. `make` opens a fresh world. */
export function runtimeContract(name: string, make: () => Promise<RuntimeWorld>): void {
  describe(`runtime: ${name}`, () => {
    it("prepares a version once, and finds it made afterwards", async () => {
      await using world = await make();
      const [first] = world.versions;
      const prepare = () => world.runtime.prepare(first, [world.web], new AbortController().signal);
      const both = await Promise.all([prepare(), prepare()]);
      assert.equal(both.filter(({ built }) => built).length, 1);
      assert.equal(both[0].directory, both[1].directory);
      assert.equal((await prepare()).built, false);
    });

    it("starts the same order once, and finds it running afterwards", async () => {
      await using world = await make();
      const order = await orderOf(world, world.web);
      const [one, other] = await Promise.all([world.runtime.start(order), world.runtime.start(order)]);
      const again = await world.runtime.start({ ...order, role: "active" });
      assert.equal(one.id, other.id);
      assert.equal(one.pid, other.pid);
      assert.equal(one.address, again.address);
      assert.equal(one.pid, again.pid);
      assert.equal((await world.runtime.instances()).length, 1);
    });

    it("tells what runs where", async () => {
      await using world = await make();
      const started = await world.runtime.start(await orderOf(world, world.web));
      assert.match(started.address ?? "", world.addresses ?? /^127\.0\.0\.1:\d+$/);
      const { service, slot, version, adopted, restarts } = started;
      assert.deepEqual(
        { service, slot, version, adopted, restarts },
        { service: world.web.name, slot: "green", version: world.versions[0], adopted: false, restarts: 0 },
      );
      const seen = await instance(world, started.id);
      assert.equal(seen.state, "running");
      assert.equal(seen.address, started.address);
    });

    it("gives a worker no address, and each replica its own", async () => {
      await using world = await make();
      const worker = await world.runtime.start(await orderOf(world, world.worker));
      assert.equal(worker.address, undefined);
      const order = await orderOf(world, world.web);
      const first = await world.runtime.start(order);
      const second = await world.runtime.start({ ...order, index: 1 });
      assert.notEqual(first.id, second.id);
      assert.notEqual(first.address, second.address);
    });

    it("tells the versions that follow each other in a slot apart", async () => {
      await using world = await make();
      const [one, two] = world.versions;
      const first = await world.runtime.start(await orderOf(world, world.web, one));
      const second = await world.runtime.start(await orderOf(world, world.web, two));
      assert.notEqual(first.id, second.id);
    });

    it("stops an instance: afterwards it has exited and has not crashed; once more is harmless", async () => {
      await using world = await make();
      const { id } = await world.runtime.start(await orderOf(world, world.web));
      assert.deepEqual(await world.runtime.stop(id, 2_000), {});
      const stopped = await instance(world, id);
      assert.equal(stopped.state, "exited");
      assert.equal(stopped.restarts, 0);
      assert.deepEqual(await world.runtime.stop(id, 2_000), {});
      assert.deepEqual(await world.runtime.stop("nobody-blue-0", 2_000), {});
    });

    it("starts again what was stopped when it is asked for", async () => {
      await using world = await make();
      const order = await orderOf(world, world.web);
      const { id } = await world.runtime.start(order);
      await world.runtime.stop(id, 2_000);
      const again = await world.runtime.start(order);
      assert.equal(again.id, id);
      assert.equal(again.state, "running");
    });

    it("starts a crashed instance again, counts it, and explains it with its last lines", async () => {
      await using world = await make();
      const { id } = await world.runtime.start(await orderOf(world, world.crashing));
      const seen = await until("it has crashed twice", async () => {
        await world.pass();
        const now = await instance(world, id);
        return now.restarts >= 2 && now;
      });
      assert.equal(seen.lastExit?.code, 7);
      assert.deepEqual(await world.runtime.log(id, 2), ["two", "three"]);
      const fault = await world.runtime.explain(id);
      assert.match(fault.what, /exited with code 7/);
      assert.ok(fault.code.length > 0);
      assert.ok((fault.fix ?? "").length > 0);
      assert.ok(fault.detail?.includes("three"));
    });

    it("refuses an engine that another one has taken over from", async () => {
      await using world = await make();
      const other = world.second();
      await world.runtime.claim(3);
      await other.claim(4);
      const order = await orderOf(world, world.web);
      await assert.rejects(world.runtime.start(order), isFault("stale-epoch"));
      await assert.rejects(world.runtime.claim(3), isFault("stale-epoch"));
      const { id } = await other.start(order);
      await assert.rejects(world.runtime.stop(id, 1_000), isFault("stale-epoch"));
      assert.equal((await instance(world, id)).state, "running");
    });

    it("takes over what runs already, and says what it is", async () => {
      await using world = await make();
      const address = await world.foreign();
      const { app, environment } = world;
      const order = { app, environment, service: "web", address, version: "adopted", slot: "blue" } as const;
      const adopted = await world.runtime.adopt(order);
      assert.equal(adopted.adopted, true);
      assert.equal(adopted.address, address);
      const seen = await instance(world, adopted.id);
      assert.deepEqual({ state: seen.state, slot: seen.slot }, { state: "running", slot: "blue" });
      await world.runtime.stop(adopted.id, 2_000);
      const left = (await world.runtime.instances()).filter(({ state }) => state !== "exited");
      assert.deepEqual(left, []);
    });

    it("removes old versions, but none that is in use or runs", async () => {
      await using world = await make();
      const [one, two] = world.versions;
      const order = await orderOf(world, world.web, one);
      await orderOf(world, world.web, two);
      const { id } = await world.runtime.start(order);
      assert.deepEqual(await world.runtime.prune(0, [two]), []);
      assert.deepEqual(await world.runtime.prune(0, []), [two]);
      await world.runtime.stop(id, 2_000);
      assert.deepEqual(await world.runtime.prune(1, []), []);
      assert.deepEqual(await world.runtime.prune(0, []), [one]);
      const again = await world.runtime.prepare(one, [world.web], new AbortController().signal);
      assert.equal(again.built, true);
    });

    it("knows its versions and what lies between them", async () => {
      await using world = await make();
      const [one, two] = world.versions;
      assert.equal((await world.runtime.resolve(two)).version, two);
      assert.equal((await world.runtime.resolve("HEAD")).version, two);
      await assert.rejects(world.runtime.resolve("no-such-version"), isFault("unknown-version"));
      assert.deepEqual(await world.runtime.commits(one, two), ["Third", "Second"]);
      assert.deepEqual(await world.runtime.commits(two, two), []);
      assert.deepEqual(await world.runtime.commits("no-such-version", two), []);
    });
  });
}

/** An order for the green slot, its version prepared. */
export async function orderOf(world: RuntimeWorld, service: Service, version = world.versions[0]): Promise<StartOrder> {
  const { directory } = await world.runtime.prepare(version, [world.web], new AbortController().signal);
  const { app, environment } = world;
  return { app, environment, service, version, slot: "green", index: 0, role: "inactive", directory, secrets: {} };
}

async function instance(world: RuntimeWorld, id: string): Promise<InstanceSeen> {
  const found = (await world.runtime.instances()).find((each) => each.id === id);
  if (found === undefined) throw new Error(`The runtime knows no ${id}.`);
  return found;
}

export function isFault(code: string): (error: unknown) => boolean {
  return (error) => error instanceof FaultError && error.fault.code === code;
}
