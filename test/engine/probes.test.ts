import { deepEqual, equal, match, ok } from "node:assert/strict";
import { describe, it } from "node:test";
import type { Guard } from "../../src/core/plan/guard.ts";
import type { Plan } from "../../src/core/plan/plan.ts";
import type { SmokeFlow } from "../../src/core/smoke/smoke.ts";
import { MINUTE, SECOND } from "../../src/core/time/time.ts";
import { engineUnderTest, type EngineUnderTest } from "../support/engine-under-test.ts";
import { planOf, step } from "../support/plans.ts";

const FLOW: SmokeFlow = { name: "home", service: "web", requests: [], cleanup: [], variables: {} };
const COMPARED: Guard = {
  metric: "errors",
  limits: { rollback: [{ kind: "relative", factor: 1.5 }] },
  weight: 1,
  windowMs: MINUTE,
  minRequests: 50,
  minEvents: 3,
  breaches: 2,
};
const PROBED: Plan = {
  ...planOf([
    step.start(),
    step.shift(5, 40 * MINUTE, { guards: [COMPARED] }),
    step.shift(100, SECOND, { guards: [] }),
  ]),
  judge: 2,
  probes: { flows: [FLOW], everyMs: 5 * SECOND },
};

describe("probes of a release without visitors", () => {
  it("are told to both versions at once while the traffic is split, and let a healthy one pass", async () => {
    const { under, told } = await probed(() => true);
    const engine = await under.start();
    await firstIsLive(under, engine);
    equal(told.length, 0, "there is nobody to compare the first version with");
    await under.release(engine, PROBED, "v2");
    await under.until(async () => ["live", "closed"].includes((await engine.status(2))?.state ?? ""), 2 * 60 * MINUTE);
    const versions = told.map(({ version }) => version);
    deepEqual(new Set(versions), new Set(["v1", "v2"]));
    equal(versions.filter((version) => version === "v1").length, versions.filter((version) => version === "v2").length);
    // One each five seconds for 40 minutes.
    ok(versions.length / 2 >= 440 && versions.length / 2 <= 490, `${versions.length / 2} rounds`);
    ok(told.every(({ url }) => url.startsWith("http://127.0.0.1:")));
    await Promise.all([engine[Symbol.asyncDispose](), under.clock.advance(5 * SECOND)]);
  });

  it("put a version back whose flows fail", async () => {
    const { under } = await probed((version) => version !== "v2");
    const engine = await under.start();
    await firstIsLive(under, engine);
    await under.release(engine, PROBED, "v2");
    await under.until(async () => (await engine.status(2))?.state === "rolled-back");
    match(
      (await engine.status(2))?.sentence ?? "",
      /of \d+ probes \d+ failed on the candidate alone, 0 on stable alone/,
    );
    await Promise.all([engine[Symbol.asyncDispose](), under.clock.advance(5 * SECOND)]);
  });
});

type Engine = Awaited<ReturnType<EngineUnderTest["start"]>>;

async function firstIsLive(under: EngineUnderTest, engine: Engine): Promise<void> {
  await under.release(engine, PROBED, "v1");
  await under.until(async () => ["closed", "live"].includes((await engine.status(1))?.state ?? ""));
}

/** Nobody visits; `passes` says on which version flows do. */
async function probed(passes: (version: string) => boolean): Promise<{
  readonly under: EngineUnderTest;
  readonly told: readonly { readonly version: string; readonly url: string }[];
}> {
  const under = engineUnderTest();
  under.load = { perSecond: 0, badShare: {} };
  const told: { version: string; url: string }[] = [];
  Object.assign(under.ports.smoke, {
    run: async (flows: readonly SmokeFlow[], target: { version: string; baseUrls: Record<string, string> }) => {
      told.push({ version: target.version, url: target.baseUrls["web"] ?? "" });
      const passed = passes(target.version);
      return { passed, flows: flows.map(({ name }) => ({ name, passed, tookMs: 10 })) };
    },
  });
  return { under, told };
}
