import type { Plan } from "../../core/plan/plan.ts";
import { isOfKind } from "../../core/plan/service.ts";
import { type RehearsedCompose, rehearsedServices } from "../../core/rehearsal/rehearsed-plan.ts";
import type { ProjectToRehearse } from "../../ports/project-to-rehearse.ts";
import type { CopyPlace, RehearsalCopies } from "../../ports/rehearsal-copies.ts";
import { freePorts } from "./free-ports.ts";

/** Where the copy of the database is made for the containers of a project. */
export async function copyPlaceFor({ database }: ProjectToRehearse): Promise<CopyPlace> {
  if (database === null) return { kind: "as-written" };
  const [port = 0] = await freePorts(1);
  return {
    kind: "own-server",
    fromHere: { host: database.host, port },
    fromContainers: { host: database.service, port: database.port },
  };
}

export interface ComposeOrder {
  readonly plan: Plan;
  readonly id: string;
  readonly found: ProjectToRehearse;
  readonly copyPlace: CopyPlace;
  readonly copies: RehearsalCopies | null;
  readonly application: string;
  /** Of Tidegate while it rehearses; secrets of the database's own server are put there: a plan holds none. */
  readonly env: Record<string, string | undefined>;
}

/** What the plan of a rehearsal says of its compose project. */
export function composeInRehearsal({
  plan,
  id,
  found,
  copyPlace,
  copies,
  application,
  env,
}: ComposeOrder): RehearsedCompose {
  const started = rehearsedServices(plan);
  const services = plan.services.filter(isOfKind("compose"));
  const namesOf = (wanted: boolean): readonly string[] =>
    services.filter((each) => started.includes(each) === wanted).map(({ runtime }) => runtime.service);
  const lead = copies?.inContainers(id) ?? null;
  const { database } = found;
  return {
    name: `${plan.app}-rehearsal-${id}`,
    project: {
      services: namesOf(true),
      without: namesOf(false),
      env: { TIDEGATE_REHEARSAL: id, ...(copies === null ? {} : { PGAPPNAME: application }), ...plan.rehearsal?.env },
      ...(lead === null ? {} : { database: lead }),
      ...(copies === null || database === null || copyPlace.kind !== "own-server"
        ? {}
        : {
            server: {
              service: database.service,
              port: database.port,
              publish: { host: database.host, port: copyPlace.fromHere.port ?? database.port },
              env: serverEnvironment(copies.addressOf(id), env),
            },
          }),
    },
  };
}

/** As the images of PostgreSQL understand it: who Tidegate comes as may do everything there. */
function serverEnvironment(address: string, env: Record<string, string | undefined>): Readonly<Record<string, string>> {
  const { username, password, pathname } = new URL(address);
  const own: Record<string, string> = {};
  for (const [name, value] of [
    ["POSTGRES_USER", username],
    ["POSTGRES_PASSWORD", password],
    ["POSTGRES_DB", pathname.slice(1)],
  ] as const) {
    if (value === "") continue;
    env[`TIDEGATE_REHEARSAL_${name}`] = decodeURIComponent(value);
    own[name] = `\${TIDEGATE_REHEARSAL_${name}}`;
  }
  return own;
}
