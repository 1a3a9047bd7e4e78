import type { InstanceSeen, ProbeAnswer } from "../core/observation.ts";
import type { Plan } from "../core/plan/plan.ts";
import type { Service } from "../core/plan/service.ts";
import type { HealthProbe } from "../ports/health.ts";
import type { Context } from "./context.ts";
import type { HealthAnswer, InstanceHealth } from "./render/instance-list.ts";

const TCP_MS = 2_000;

/** Every instance that the keeper has, each asked for its health now, by a plan that is known; null where no keeper runs. */
export async function lookAtInstances(context: Context, plan: Plan | null): Promise<readonly InstanceHealth[] | null> {
  const { state } = context.project();
  const instances = await context.machinery.runningInstances(state, plan);
  if (instances === null) return null;
  // What was stopped on purpose is history; what still ought to run and has ended is news.
  const living = instances.filter((instance) => instance.state !== "exited");
  if (plan === null) return living.map((instance) => ({ instance, health: null, depends: null }));
  const probe = await context.machinery.healthProbe(plan);
  return Promise.all(living.map((instance) => ask(probe, instance, plan)));
}

/** What the plan calls `depends` is told beside, and says nothing of the instance itself. */
async function ask(probe: HealthProbe, instance: InstanceSeen, plan: Plan): Promise<InstanceHealth> {
  const { address } = instance;
  const service: Service | undefined = plan.services.find(({ name }) => name === instance.service);
  if (address === undefined) return { instance, health: null, depends: null };
  if (service?.health === undefined)
    return { instance, health: found(await probe.tcp(address, TCP_MS)), depends: null };
  const { ready, depends, timeoutMs } = service.health;
  const get = (path: string): Promise<ProbeAnswer> => probe.http(`http://${address}${path}`, timeoutMs);
  const [health, others] = await Promise.all([get(ready), depends === undefined ? null : get(depends)]);
  return { instance, health: found(health), depends: others === null ? null : found(others) };
}

function found(answer: ProbeAnswer): HealthAnswer {
  const status = answer.status === undefined ? "" : `${answer.status} `;
  const text = `${status}${answer.text}`.replaceAll(/\s+/g, " ").trim();
  return { ok: answer.ok, text: text === "" ? "answers" : text, atMs: answer.at };
}
