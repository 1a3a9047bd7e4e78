import type { AssemblyOrder, Outside } from "../cli/machinery.ts";
import { isOfKind } from "../core/plan/service.ts";
import type { Notice } from "../ports/notice.ts";
import { keeperStart } from "./keeper-start.ts";
import { runtimeOf, withEpoch } from "./runtimes.ts";
import { embeddedTraffic, haproxyTraffic } from "./traffic.ts";
import { defined } from "../core/text/references.ts";
import { redactorOf } from "./redactor.ts";

/** What looks at the outside without changing it. */
export async function outside(
  { project, plan, env }: AssemblyOrder,
  self: readonly string[],
  redact = redactorOf(plan, env),
  onKeeperStarted?: () => void,
): Promise<Outside> {
  const [{ createHealthProbe }, { systemClock }, { createMetrics }] = await Promise.all([
    import("../adapters/health/http.ts"),
    import("../adapters/clock/system.ts"),
    import("../adapters/metrics/metrics.ts"),
  ]);
  const { state } = project;
  const start = keeperStart(state, self, onKeeperStarted);
  const fenced = withEpoch(await runtimeOf({ project, plan, env }, start));
  const { haproxy } = plan.traffic;
  return {
    runtime: fenced.runtime,
    traffic:
      haproxy === undefined
        ? await embeddedTraffic(start, plan, fenced.epoch)
        : await haproxyTraffic(state, plan, haproxy),
    health: createHealthProbe({ clock: systemClock, redact }),
    metrics: createMetrics({
      clock: systemClock,
      redact,
      values: () => defined(env),
      directory: project.folder,
      env,
      runtime: fenced.runtime,
    }),
    notices: () => noticesOf({ project, plan, env }),
  };
}

type Place = Pick<AssemblyOrder, "project" | "plan" | "env">;

async function noticesOf(place: Place): Promise<readonly Notice[]> {
  return [...(await systemdNotices(place)), ...(await composeNotices(place))];
}

async function systemdNotices({ project, plan, env }: Place): Promise<readonly Notice[]> {
  if (!plan.services.some(isOfKind("systemd"))) return [];
  const { surveySystemd } = await import("../adapters/runtime/systemd/survey.ts");
  return surveySystemd({ plan, folder: project.state, env });
}

async function composeNotices({ project, plan: { services, traffic }, env }: Place): Promise<readonly Notice[]> {
  const [service] = services.filter(isOfKind("compose"));
  if (service === undefined) return [];
  const { surveyCompose } = await import("../adapters/runtime/compose/survey.ts");
  const frontPorts = traffic.listen.map(({ port }) => port);
  return surveyCompose({ services, project: service.runtime.project, planFolder: project.folder, env, frontPorts });
}
