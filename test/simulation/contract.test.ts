import { trafficContract } from "../contract/traffic.ts";
import { journalContract } from "../contract/journal.ts";
import type { Journal } from "../../src/ports/journal.ts";
import type { Traffic } from "../../src/ports/traffic.ts";
import { randomOf } from "./random.ts";
import { createScheduler, type Scheduler } from "./scheduler.ts";
import { createGround, type Ground } from "./world/ground.ts";
import { createPlane } from "./world/plane.ts";
import { createStore } from "./world/store.ts";
import { createTroubles } from "./world/troubles.ts";
import { createWire, type EngineProcess } from "./world/wire.ts";

// What is simulated promises the same as what it stands for.

function emptyGround(): Ground {
  const scheduler = createScheduler(randomOf(1));
  return createGround(scheduler, randomOf(2), createTroubles(randomOf(3)), () => undefined);
}

/** Lets virtual time go on while somebody waits for the answer. */
function driven<T extends object>(port: T, scheduler: Scheduler): T {
  return new Proxy(port, {
    get(target, name) {
      const method: unknown = Reflect.get(target, name);
      if (typeof method !== "function") return method;
      return async (...args: readonly unknown[]) => {
        let isOver = false;
        const answer = Promise.resolve(Reflect.apply(method, target, args) as unknown).finally(() => (isOver = true));
        answer.catch(() => undefined);
        // What needs no time gets none.
        await new Promise((resolve) => setImmediate(resolve));
        await scheduler.run(() => isOver);
        return answer;
      };
    },
  });
}

trafficContract("simulated", async () => {
  const ground = emptyGround();
  const { scheduler } = ground;
  const serving = () => ({ badShare: 0, latencyMs: 5 });
  const plane = createPlane({ ground, perSecond: 1, lingering: 0, serving });
  const pass = (ms: number): Promise<void> => {
    let isOver = false;
    scheduler.after(ms, null, () => void (isOver = true));
    return scheduler.run(() => isOver);
  };
  return {
    traffic: driven<Traffic>(plane.hand(1), scheduler),
    listeners: [{ host: "127.0.0.1", port: 8080 }],
    instance: { host: "127.0.0.1", port: 9000 },
    serve: () => pass(1_000),
    pass,
    kill: async () => ground.troubles.begin("plane-away"),
    [Symbol.asyncDispose]: async () => undefined,
  };
});

journalContract("simulated", async () => {
  const ground = emptyGround();
  const process: EngineProcess = {
    id: 1,
    bornAt: 0,
    alive: true,
    stopped: false,
    late: [],
    doom: null,
    appending: 0,
    isOwed: false,
  };
  const journal = createStore(ground).open(
    process,
    createWire(ground, () => undefined),
  );
  return driven<Journal>(journal, ground.scheduler);
});
