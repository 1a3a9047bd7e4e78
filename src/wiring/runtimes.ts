import type { KeeperStart } from "../adapters/runtime/processes/ensure-keeper.ts";
import type { SystemdRuntimeSettings } from "../adapters/runtime/systemd/runtime.ts";
import type { AssemblyOrder } from "../cli/machinery.ts";
import type { Plan } from "../core/plan/plan.ts";
import type { ComposeProject } from "../core/plan/compose.ts";
import { isOfKind } from "../core/plan/service.ts";
import type { StateFolder } from "../local/state-folder.ts";
import type { Runtime } from "../ports/runtime.ts";
import { hasUnits } from "./units.ts";

/** Processes, and services of systemd's and containers where the plan has any or something of an earlier one may still run. */
export async function runtimeOf(
  { project, plan, env }: Pick<AssemblyOrder, "project" | "plan" | "env">,
  start: KeeperStart,
): Promise<Runtime> {
  const { app, environment, services } = plan;
  const { state: folder, folder: planFolder } = project;
  const { createProcessRuntime } = await import("../adapters/runtime/processes/runtime.ts");
  const shared = { app, environment, services, planFolder, folder, env };
  const process = createProcessRuntime({ ...shared, ...start });
  const engine = await composeProjectOf(plan, folder);
  const systemd = await systemdRuntimeOf(plan, shared, process);
  if (engine === null && systemd === null) return process;
  const { runtimeByKind } = await import("../adapters/runtime/by-kind.ts");
  const runtimes = { process, ...(systemd === null ? {} : { systemd }) };
  if (engine === null) return runtimeByKind(runtimes);
  const { createComposeRuntime } = await import("../adapters/runtime/compose/runtime.ts");
  const versions = systemd ?? process;
  return runtimeByKind({ ...runtimes, compose: createComposeRuntime({ ...shared, project: engine, versions }) });
}

/** null: the plan has no service of systemd's, and none of an earlier one is left. */
async function systemdRuntimeOf(
  { services }: Plan,
  shared: Omit<SystemdRuntimeSettings, "versions">,
  versions: Runtime,
): Promise<Runtime | null> {
  if (!services.some(isOfKind("systemd")) && !hasUnits(shared.folder)) return null;
  const { createSystemdRuntime } = await import("../adapters/runtime/systemd/runtime.ts");
  return createSystemdRuntime({ ...shared, versions });
}

async function composeProjectOf(
  { app, environment, services }: Plan,
  state: StateFolder,
): Promise<ComposeProject | null> {
  const [service] = services.filter(isOfKind("compose"));
  if (service !== undefined) return service.runtime.project;
  const { readEngines } = await import("../adapters/runtime/compose/engine-record.ts");
  const earlier = readEngines(state).find(({ places }) =>
    places.some((place) => place.app === app && place.environment === environment),
  );
  return earlier === undefined ? null : { files: [], profiles: [], set: {}, host: earlier.address.host };
}

/** The keeper refuses a stale engine's data plane too, so it has to be told which engine asks. */
export function withEpoch(runtime: Runtime): { readonly runtime: Runtime; readonly epoch: () => number | null } {
  let epoch: number | null = null;
  const claim = async (next: number): Promise<void> => {
    epoch = next;
    await runtime.claim(next);
  };
  return { runtime: { ...runtime, claim }, epoch: () => epoch };
}
