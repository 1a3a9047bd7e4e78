import type { AssemblyOrder, Machinery } from "../cli/machinery.ts";
import type { Plan } from "../core/plan/plan.ts";
import type { HealthProbe } from "../ports/health.ts";
import type { Notifier, ReceiverCheck } from "../ports/notifier.ts";
import { defined } from "../core/text/references.ts";
import { redactorOf } from "./redactor.ts";

/** For a look at instances outside a release. */
export async function healthProbe(plan: Plan, env: AssemblyOrder["env"]): Promise<HealthProbe> {
  const [{ createHealthProbe }, { systemClock }] = await Promise.all([
    import("../adapters/health/http.ts"),
    import("../adapters/clock/system.ts"),
  ]);
  return createHealthProbe({ clock: systemClock, redact: redactorOf(plan, env) });
}

/** Tries each message once. */
export async function notifierOf(
  plan: Plan,
  env: AssemblyOrder["env"],
  say: (line: string) => void,
): Promise<Notifier & ReceiverCheck> {
  const [{ createNotifier }, { systemClock: clock }] = await Promise.all([
    import("../adapters/notify/notifier.ts"),
    import("../adapters/clock/system.ts"),
  ]);
  const redact = redactorOf(plan, env);
  return createNotifier({ clock, redact, values: () => defined(env), tries: 1, terminal: (line) => say(redact(line)) });
}

export const versionFiles: Machinery["versionFiles"] = async ({ project, plan, version, paths }) => {
  const { filesOfVersion } = await import("../adapters/runtime/versions/files-of-version.ts");
  const place = { folder: project.state, planFolder: project.folder };
  return await filesOfVersion(place, version, plan.services, paths);
};
