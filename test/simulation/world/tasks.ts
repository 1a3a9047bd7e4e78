import type { Behaviour } from "./app.ts";
import type { Ports } from "../../../src/engine/api.ts";
import { FaultError } from "../../../src/core/fault.ts";
import type { Reading } from "../../../src/core/plan/source.ts";
import type { Target } from "../../../src/ports/tasks.ts";
import { fault } from "./app.ts";
import type { Ground } from "./ground.ts";
import type { Keeper } from "./keeper.ts";
import type { EngineProcess, Wire } from "./wire.ts";

type Tasks = Pick<Ports, "health" | "smoke" | "warmer" | "checker" | "commands" | "metrics" | "notifier" | "evidence">;

export interface TaskSettings {
  readonly ground: Ground;
  readonly keeper: Keeper;
  readonly behaviourOf: (version: string) => Behaviour;
}

/** What an engine's process has done for it or does itself, beside data plane, keeper and store. */
export function createTasks({
  ground,
  keeper,
  behaviourOf,
}: TaskSettings): (process: EngineProcess, wire: Wire) => Tasks {
  const { scheduler, random, troubles } = ground;

  const isUp = ({ baseUrls }: Target): boolean =>
    Object.values(baseUrls).every((url) => {
      const host = new URL(url).host;
      if (host === FRONT_DOOR) return true;
      const instance = keeper.at(host);
      return instance !== undefined && keeper.isServing(instance);
    });

  return (process, wire) => {
    const task = <T>(method: string, changes: boolean, work: () => Promise<T>): Promise<T> =>
      wire.remote(process, { place: "task", method, changes, unreachable: "task-failed" }, work);

    const probe: Tasks["health"]["tcp"] = async (address) => {
      const answer = async (): Promise<boolean> => {
        const instance = keeper.at(address);
        const ok = instance !== undefined && keeper.isServing(instance);
        if (instance !== undefined)
          ground.tell({ kind: "probed", by: process.id, instance: instance.id, pid: instance.pid, ok });
        return ok;
      };
      const ok = await wire
        .remote(process, { place: "probe", method: "probe", changes: false, unreachable: "no-answer" }, answer)
        .catch(() => false);
      return { at: ground.wall(), ok, ...(ok ? { status: 200 } : {}), tookMs: 1, text: ok ? "ok" : "not ready" };
    };

    return {
      health: { tcp: probe, http: (url, timeoutMs) => probe(new URL(url).host, timeoutMs) },
      smoke: {
        run: (flows, target, signal) =>
          task("smoke", false, async () => {
            await scheduler.sleep(random.between(5, 400), null, signal);
            const passed =
              isUp(target) &&
              !behaviourOf(target.version).smokeFails &&
              !(troubles.has("tasks-flaky") && random.chance(0.3));
            ground.tell({ kind: "task", by: process.id, what: "smoke", ok: passed, of: target.version });
            return {
              passed,
              flows: flows.map(({ name }) => ({
                name,
                passed,
                tookMs: 5,
                ...(passed ? {} : { failure: "expected 200, got 500" }),
              })),
            };
          }),
      },
      warmer: {
        warm: (_, target, signal) =>
          task("warm", false, async () => {
            await scheduler.sleep(random.between(5, 400), null, signal);
            const warm = isUp(target) && behaviourOf(target.version).warm;
            ground.tell({ kind: "task", by: process.id, what: "warm", ok: warm, of: target.version });
            return { warm, rounds: 2, slowestMs: 40, detail: warm ? "slowest 40ms" : "the slowest took 3s" };
          }),
      },
      checker: {
        check: async (check, signal) => {
          const passed = await task("check", false, async () => {
            await scheduler.sleep(random.between(1, 100), null, signal);
            return !troubles.has("checks-fail") && (!troubles.has("tasks-flaky") || random.chance(0.5));
          }).catch(() => false);
          ground.tell({ kind: "task", by: process.id, what: "check", ok: passed, of: check.kind });
          return { passed, detail: passed ? "as expected" : "not as expected" };
        },
      },
      commands: {
        run: (command, { env, timeoutMs, signal }) =>
          task("command", true, async () => {
            const release = Number(env["TIDEGATE_RELEASE"]);
            const begun = scheduler.now();
            const say = (what: "begun" | "done" | "failed" | "killed"): void =>
              ground.tell({ kind: "command", by: process.id, what, command, release });
            say("begun");
            const tookMs = random.between(1, 1_200);
            const ended = await scheduler.sleep(Math.min(tookMs, timeoutMs), null, signal).then(
              () => true,
              () => false,
            );
            const how = !ended ? "killed" : troubles.has("tasks-flaky") && random.chance(0.4) ? "failed" : "done";
            say(how);
            return {
              code: how === "done" ? 0 : how === "failed" ? 1 : null,
              signal: how === "killed" ? "SIGTERM" : null,
              timedOut: false,
              output: [],
              tookMs: scheduler.now() - begun,
            };
          }),
      },
      metrics: {
        ask: (_, { version }, signal) =>
          task("figure", false, async (): Promise<Reading> => {
            await scheduler.sleep(random.between(1, 400), null, signal);
            if (troubles.has("tasks-flaky") && random.chance(0.3))
              return random.chance(0.5) ? { kind: "no-data", why: "nothing is known" } : { kind: "down", why: "away" };
            return { kind: "value", value: behaviourOf(version).failedJobs };
          }).catch((): Reading => ({ kind: "down", why: "away" })),
      },
      notifier: {
        deliver: (message, _, { release }) =>
          task("notify", true, async () => {
            const delivered = !troubles.has("notifier-down");
            ground.tell({
              kind: "message",
              by: process.id,
              release,
              topic: message.topic,
              sentence: message.sentence,
              delivered,
            });
            if (!delivered) throw new FaultError(fault("notification-not-delivered", "The webhook does not answer."));
          }),
      },
      evidence: {
        gather: () =>
          task("evidence", false, async () => ({ routes: [], lines: [], commits: [], missing: [] })).catch(() => ({
            routes: [],
            lines: [],
            commits: [],
            missing: ["nothing answered"],
          })),
      },
    };
  };
}

/** Where the plans listen. */
const FRONT_DOOR = "127.0.0.1:8080";
