import assert from "node:assert/strict";
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { after, before, describe, it } from "node:test";
import { createManualClock } from "../../src/adapters/clock/manual.ts";
import { systemClock } from "../../src/adapters/clock/system.ts";
import { freePort } from "../../src/adapters/runtime/free-port.ts";
import type { NotifyTarget } from "../../src/core/plan/receiver.ts";
import type { Message } from "../../src/core/release/effect.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";
import { until } from "../support/until.ts";
import { closedPort } from "../tasks/servers.ts";
import { acting, NEEDED, ROLLED_BACK, send } from "./support.ts";

const PROGRAM = "prometheus-alertmanager";
const skip = spawnSync(PROGRAM, ["--version"]).status === 0 ? false : `${PROGRAM} is not installed`;

interface Alert {
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  readonly startsAt: string;
  readonly endsAt: string;
  readonly status: { readonly state: string };
}

const folder = temporaryFolder();
let program: ChildProcess | null = null;
let url = "";

before(async () => {
  if (skip !== false) return;
  const port = await freePort(new Set());
  url = `http://127.0.0.1:${port}`;
  writeFileSync(folder.file("config.yml"), "route: { receiver: nobody }\nreceivers: [{ name: nobody }]\n");
  const own = spawn(
    PROGRAM,
    [
      `--config.file=${folder.file("config.yml")}`,
      `--storage.path=${folder.file("data")}`,
      `--web.listen-address=127.0.0.1:${port}`,
      "--cluster.listen-address=",
    ],
    { stdio: "ignore" },
  );
  program = own;
  await until("Alertmanager is ready", async () =>
    (await fetch(`${url}/-/ready`).catch(() => null))?.status === 200 ? true : undefined,
  );
});

after(async () => {
  if (program !== null && program.exitCode === null) {
    const ended = once(program, "exit");
    program.kill("SIGKILL");
    await ended;
  }
  await folder[Symbol.asyncDispose]();
});

const alerts = async (): Promise<readonly Alert[]> =>
  (await (await fetch(`${url}/api/v2/alerts`)).json()) as readonly Alert[];

describe("Alertmanager itself", { skip }, () => {
  const target = (): NotifyTarget => ({
    kind: "alertmanager",
    name: "alerts",
    url: `${url}/`,
    labels: { team: "shop-owners" },
  });
  const at = Date.now() - 60_000;
  const tell = (message: Message) => send({ ...message, at }, target(), {}, { clock: systemClock }).delivered;

  it("takes an alert, once however often it is told, and keeps it for longer than an engine lives", async () => {
    await tell(NEEDED);
    await tell(NEEDED);
    const all = await until("it shows the alert", async () => {
      const shown = await alerts();
      return shown.length > 0 ? shown : undefined;
    });
    assert.equal(all.length, 1);
    const [alert = assert.fail()] = all;
    assert.deepEqual(alert.labels, {
      alertname: "TidegateRelease",
      app: "shop",
      environment: "production",
      release: "42",
      topic: "needs-person",
      severity: "critical",
      alert: "shop/production/42-x/held-1",
      team: "shop-owners",
    });
    assert.deepEqual(alert.annotations, {
      summary: "needs a person · shop a1f09c → 9f2c1e production",
      description: "No figures for 20m.",
      next: "tidegate ack 42",
    });
    assert.equal(Date.parse(alert.startsAt), at);
    assert.ok(Date.parse(alert.endsAt) > Date.now() + 3_600_000);
  });

  it("knows by its labels that the alert is over", async () => {
    await tell(acting("resolve"));
    await until("it shows the alert no more", async () => ((await alerts()).length === 0 ? true : undefined));
  });

  it("is told of what lasts only", async () => {
    await tell(ROLLED_BACK);
    await tell(acting("acknowledge"));
    assert.deepEqual(await alerts(), []);
  });

  it("that refuses an alert says why", async () => {
    const broken: NotifyTarget = { ...target(), labels: { "not a label": "x" } } as NotifyTarget;
    const fault = await send(NEEDED, broken, {}, { tries: 1 }).fault();
    assert.match(fault.cause ?? "", /^it answers 400: .*invalid label/);
  });
});

it("one that is away is told again, and then given up", async () => {
  const target: NotifyTarget = {
    kind: "alertmanager",
    name: "alerts",
    url: `http://127.0.0.1:${await closedPort()}`,
    labels: {},
  };
  const clock = createManualClock(0);
  const sent = send(NEEDED, target, {}, { clock, tries: 2 });
  await clock.untilSleeping();
  await clock.advance(1_000);
  assert.match((await sent.fault()).cause ?? "", /^nothing listens at .* \(2 tries\)$/);
});
