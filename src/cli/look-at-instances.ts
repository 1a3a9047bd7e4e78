import type { InstanceSeen } from "../core/observation.ts";
import type { Plan, Service } from "../core/plan.ts";
import type { HealthProbe } from "../ports/health.ts";
import type { Context } from "./context.ts";
import type { InstanceHealth } from "./render/instance-list.ts";

const TCP_MS = 2_000;

/** Every instance that the keeper has, each asked for its health now; null where no keeper runs. */
export async function lookAtInstances(context: Context, plan: Plan): Promise<readonly InstanceHealth[] | null> {
  const { state } = context.project();
  const instances = await context.machinery.runningInstances(state, plan);
  if (instances === null) return null;
  const probe = await context.machinery.healthProbe();
  return Promise.all(
    instances
      // What was stopped on purpose is history; what still ought to run and has ended is news.
      .filter((instance) => instance.state !== "exited")
      .map(async (instance) => ({ instance, health: await ask(probe, instance, plan) })),
  );
}

async function ask(probe: HealthProbe, instance: InstanceSeen, plan: Plan): Promise<InstanceHealth["health"]> {
  if (instance.address === undefined) return null;
  const service: Service | undefined = plan.services.find(({ name }) => name === instance.service);
  const answer =
    service?.health === undefined
      ? await probe.tcp(instance.address, TCP_MS)
      : await probe.http(`http://${instance.address}${service.health.ready}`, service.health.timeoutMs);
  const status = answer.status === undefined ? "" : `${answer.status} `;
  const text = `${status}${answer.text}`.replaceAll(/\s+/g, " ").trim();
  return { ok: answer.ok, text: text === "" ? "answers" : text, atMs: answer.at };
}
