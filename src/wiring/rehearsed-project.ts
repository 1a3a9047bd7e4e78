import type { ProjectPlace } from "../cli/machinery.ts";
import { isOfKind, type ServiceOf } from "../core/plan/service.ts";
import { rehearsedServices } from "../core/rehearsal/rehearsed-plan.ts";
import { fillReferences } from "../core/text/references.ts";
import type { StateFolder } from "../local/state-folder.ts";
import type { ProjectToRehearse } from "../ports/project-to-rehearse.ts";
import { hasContainers } from "./containers.ts";
import { databaseSettings } from "./database.ts";

export async function projectToRehearse({ project, plan, env }: ProjectPlace): Promise<ProjectToRehearse | null> {
  const all = plan.services.filter(isOfKind("compose"));
  const services = rehearsedServices(plan);
  const [first] = all;
  if (first === undefined) return null;
  const { surveyForRehearsal } = await import("../adapters/runtime/compose/rehearsal-survey.ts");
  return await surveyForRehearsal({
    services,
    without: namesOf(all.filter((each) => !services.includes(each))),
    project: first.runtime.project,
    own: plan.rehearsal?.env ?? {},
    planFolder: project.folder,
    env,
    databaseUrl: databaseUrlOf({ project, plan, env }),
  });
}

export async function startRehearsedServer({ project, plan, env }: ProjectPlace, signal: AbortSignal): Promise<void> {
  const [service] = plan.services.filter(isOfKind("compose"));
  if (service === undefined) return;
  const { startRehearsedServer: start } = await import("../adapters/runtime/compose/rehearsed-server.ts");
  await start({ plan, service, planFolder: project.folder, folder: project.state, env, signal });
}

export async function removeRehearsed(state: StateFolder, id: string): Promise<void> {
  if (!(await hasContainers(state))) return;
  const { removeRehearsed: remove } = await import("../adapters/runtime/compose/remove-rehearsed.ts");
  await remove(state, (app) => app.endsWith(`-rehearsal-${id}`));
}

function namesOf(services: readonly ServiceOf<"compose">[]): readonly string[] {
  return services.map(({ runtime }) => runtime.service);
}

function databaseUrlOf({ project: { folder }, plan, env }: ProjectPlace): string | null {
  const { database } = plan;
  if (database === undefined) return null;
  const { url, values } = databaseSettings({ database, folder, plan, env });
  return fillReferences(url, values());
}
