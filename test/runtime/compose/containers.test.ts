import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type Inspected, instanceOf, LABEL, wasStopped } from "../../../src/adapters/runtime/compose/containers.ts";
import { explainContainer } from "../../../src/adapters/runtime/compose/explain-container.ts";

const LABELS = {
  [LABEL.service]: "web",
  [LABEL.slot]: "green",
  [LABEL.version]: "9f2c1e",
  [LABEL.instance]: "web-green-0-9f2c1e",
  [LABEL.restart]: "unless-stopped",
  [LABEL.port]: "3000",
  [LABEL.reached]: "network",
  [LABEL.network]: "n",
};

interface Change {
  readonly State?: Partial<Inspected["State"]>;
  readonly labels?: Readonly<Record<string, string>>;
  readonly policy?: string;
  readonly RestartCount?: number;
  readonly memory?: number;
  readonly Ports?: Inspected["NetworkSettings"]["Ports"];
}

function inspected({
  State,
  labels,
  policy = "unless-stopped",
  RestartCount = 0,
  memory = 0,
  Ports = {},
}: Change = {}): Inspected {
  return {
    Id: "abc",
    Name: "/shop-production-web-green-0-9f2c1e",
    Created: "2026-01-01T00:00:00Z",
    RestartCount,
    Image: "sha256:1",
    Config: { Labels: { ...LABELS, ...labels }, Tty: false },
    HostConfig: { Memory: memory, RestartPolicy: { Name: policy } },
    State: {
      Status: "running",
      OOMKilled: false,
      Pid: 77,
      ExitCode: 0,
      Error: "",
      StartedAt: "2026-01-01T00:00:01Z",
      FinishedAt: "0001-01-01T00:00:00Z",
      ...State,
    },
    NetworkSettings: { Networks: { n: { IPAddress: "172.20.0.2", IPAMConfig: { IPv4Address: "172.20.0.2" } } }, Ports },
  };
}

const ended = (ExitCode: number, more: Partial<Inspected["State"]> = {}): Partial<Inspected["State"]> => ({
  Status: "exited",
  Pid: 0,
  ExitCode,
  FinishedAt: "2026-01-01T00:00:03Z",
  ...more,
});

describe("a container as an instance", () => {
  it("is what its labels say, at its own address", () => {
    assert.deepEqual(instanceOf(inspected(), null, null), {
      id: "web-green-0-9f2c1e",
      service: "web",
      slot: "green",
      version: "9f2c1e",
      address: "172.20.0.2:3000",
      state: "running",
      pid: 77,
      startedAt: Date.parse("2026-01-01T00:00:01Z"),
      restarts: 0,
      adopted: false,
    });
  });

  it("or at the port that is published for it, wherever that is now", () => {
    const labels = { [LABEL.reached]: "port", [LABEL.publish]: "10.0.0.5" };
    const published = { "3000/tcp": [{ HostIp: "10.0.0.5", HostPort: "32770" }] };
    assert.equal(instanceOf(inspected({ labels, Ports: published }), null, null).address, "10.0.0.5:32770");
    assert.equal(instanceOf(inspected({ labels }), null, null).address, undefined);
  });

  it("that Tidegate stopped has not crashed, whatever code it ended with", () => {
    const stopped = inspected({ State: ended(137), policy: "no" });
    assert.ok(wasStopped(stopped));
    const { state, restarts, isLost } = instanceOf(stopped, null, null);
    assert.deepEqual([state, restarts, isLost], ["exited", 0, undefined]);
  });

  it("that somebody else stopped is lost, and counts as a crash", () => {
    const { state, restarts, isLost } = instanceOf(inspected({ State: ended(137) }), null, null);
    assert.deepEqual([state, restarts, isLost], ["exited", 1, true]);
  });

  it("that may not be restarted has crashed when it ended with an error", () => {
    const no = { policy: "no", labels: { [LABEL.restart]: "no" } };
    assert.equal(instanceOf(inspected({ ...no, State: ended(1) }), null, null).restarts, 1);
    assert.equal(instanceOf(inspected({ ...no, State: ended(0) }), null, null).restarts, 0);
    assert.equal(instanceOf(inspected({ ...no, State: ended(137, { OOMKilled: true }) }), null, null).restarts, 1);
    assert.equal(instanceOf(inspected({ ...no, State: ended(1) }), null, null).isLost, undefined);
  });

  it("counts the engine's restarts, and the crashes of those before it", () => {
    assert.equal(instanceOf(inspected({ RestartCount: 2, labels: { [LABEL.restarts]: "3" } }), null, null).restarts, 5);
  });

  it("says how it ended: by code, by signal, for want of memory", () => {
    const exit = (code: number, isOutOfMemory = false) =>
      instanceOf(inspected(), { code, isOutOfMemory, at: 5 }, null).lastExit;
    assert.deepEqual(exit(7), { code: 7, signal: null, at: 5 });
    assert.deepEqual(exit(143), { code: null, signal: "SIGTERM", at: 5 });
    assert.deepEqual(exit(137, true), { code: null, signal: "SIGKILL", at: 5, outOfMemory: true });
  });

  it("passes its own health check on", () => {
    const Health = { Status: "unhealthy" as const, Log: [{ ExitCode: 1, Output: "no database\n" }] };
    assert.deepEqual(instanceOf(inspected({ State: { Health } }), null, null).ownCheck, {
      state: "unhealthy",
      says: "no database",
    });
  });
});

describe("why a container is not ready", () => {
  const why = (change: Change, more: Partial<Parameters<typeof explainContainer>[0]> = {}): string => {
    const { code, what } = explainContainer({
      container: inspected(change),
      exit: null,
      log: [],
      listening: null,
      ...more,
    });
    return `${code}: ${what}`;
  };

  it("the most certain reason first", () => {
    assert.match(
      why({ State: ended(137, { OOMKilled: true }), memory: 64 * 1_048_576 }),
      /^instance-out-of-memory: .*limit of 64 MiB/,
    );
    assert.match(why({ State: ended(7) }), /^instance-exited: .* exited with code 7 after 2s\./);
    assert.match(
      why({ State: ended(127, { Error: 'exec: "nod": executable file not found in $PATH' }) }),
      /^command-not-found/,
    );
    assert.match(why({ State: { Health: { Status: "unhealthy" } } }), /^instance-unhealthy/);
    assert.match(why({}, { listening: [] }), /^never-listens/);
    assert.match(
      why({}, { listening: [{ port: 8000, isLoopback: false }] }),
      /^wrong-port: .*listens on port 8000, but should on 3000/,
    );
    assert.match(why({}, { listening: [{ port: 3000, isLoopback: true }] }), /^wrong-address/);
    assert.match(why({}, { listening: [{ port: 3000, isLoopback: false }] }), /^instance-not-ready/);
  });

  it("with its last life's words once", () => {
    const log = ["one", "two", "one", "two"];
    assert.deepEqual(explainContainer({ container: inspected(), exit: null, log, listening: null }).detail, [
      "one",
      "two",
    ]);
  });
});
