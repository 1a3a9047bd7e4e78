import { isOfKind, type Service, type ServiceOf } from "../../src/core/plan/service.ts";
import { createSystemdRuntime } from "../../src/adapters/runtime/systemd/runtime.ts";
import { stopKeptUnits } from "../../src/adapters/runtime/systemd/kept-units.ts";
import { runtimeByKind } from "../../src/adapters/runtime/by-kind.ts";
import type { Runtime } from "../../src/ports/runtime.ts";
import { runtimeContract } from "../contract/runtime.ts";
import { processWorld, running, SERVER, SERVER_SOURCE } from "../runtime/world.ts";
import { WORKER } from "../support/plans.ts";
import { isInsideSystemd } from "./support/systemd-machine.ts";

if (await isInsideSystemd(import.meta.url)) {
  runtimeContract("systemd", async () => {
    const world = await processWorld();
    world.write("server.js", SERVER_SOURCE);
    const first = world.commit("First");
    world.commit("Second");
    const last = world.commit("Third");
    const another = (): Runtime => {
      const process = world.another();
      const { app, environment, planFolder, folder } = world;
      return runtimeByKind({
        process,
        systemd: createSystemdRuntime({ app, environment, planFolder, folder, versions: process }),
      });
    };
    return {
      runtime: another(),
      second: another,
      versions: [first, last],
      app: world.app,
      environment: world.environment,
      web: unit({ ...SERVER, runtime: { ...SERVER.runtime, build: "echo built >> build.txt" } }),
      worker: unit({ ...WORKER, stopMs: 2_000, runtime: { ...SERVER.runtime, run: "exec sleep 600" } }),
      crashing: unit(running("echo one; echo two; echo three; exit 7")),
      foreign: async () => `127.0.0.1:${(await world.foreign()).port}`,
      pass: () => Promise.resolve(),
      async [Symbol.asyncDispose]() {
        await stopKeptUnits(world.folder, null, 0);
        await world[Symbol.asyncDispose]();
      },
    };
  });
}

function unit(service: Service): ServiceOf<"systemd"> {
  if (!isOfKind("process")(service)) throw new Error("not a process");
  return { ...service, runtime: { ...service.runtime, kind: "systemd", properties: {} } };
}
