import type { Checklist, MachineCheck } from "../../core/plan/checklist.ts";
import type { Route, Service } from "../../core/plan/service.ts";
import type { SmokeFlow } from "../../core/smoke/smoke.ts";
import { SECOND } from "../../core/time/time.ts";
import { parseChecklist } from "../checklist.ts";
import type { Path, Source } from "../reading/located.ts";
import { partOf } from "../reading/problem.ts";
import type { PlanConfig } from "../schema/plan-file.ts";
import { smokeRequestLine } from "../schema/smoke.ts";
import { parseSmokeFile } from "../smoke-file.ts";
import { compileFlow, type FlowContext } from "../smoke-flows.ts";
import { composeFilesOf } from "./compose-file.ts";
import type { CompileContext, Told } from "./context.ts";
import { draftSteps, type WrittenStep } from "./drafts.ts";
import { checkRole, type People } from "./people.ts";
import { type Allowed, OF_ADDRESS, OF_REQUEST, SHELL_ALONE, wrongReferences } from "./references.ts";
import { routeFor } from "./routes.ts";

type WrittenSmoke = WrittenStep<"smoke">["smoke"];

/** The files that a plan names, each once: what must be read before it can be compiled. */
export function sideFilesOf(config: PlanConfig): readonly string[] {
  const drafts = draftSteps(config, true, { plan: [], files: [] });
  const names = drafts.flatMap(({ written }): readonly string[] => {
    if ("check" in written) return [written.check];
    return "smoke" in written ? smokeFilesOf(written.smoke) : [];
  });
  const probed = config.probes === undefined ? [] : smokeFilesOf(config.probes.smoke);
  return [...new Set([...names, ...probed, ...composeFilesOf(config)])];
}

function smokeFilesOf(written: WrittenSmoke): readonly string[] {
  if (typeof written === "string") return [written];
  return Array.isArray(written) ? written.filter((item): item is string => isFile(item)) : [];
}

function isFile(item: unknown): boolean {
  return typeof item === "string" && !smokeRequestLine.test(item);
}

function sourceOf(file: string, path: Path, { files }: CompileContext, told: Told): Source | undefined {
  const found = files.get(file);
  if (found?.kind === "read") return found.source;
  const near = found?.kind === "missing" ? found.near : undefined;
  const what =
    found?.kind === "unreadable"
      ? `The file \`${file}\` can't be read: ${found.cause}.`
      : `The file \`${file}\` does not exist${near === undefined ? "." : `; did you mean \`${near}\`?`}`;
  const others = found?.kind === "missing" && near === undefined ? found.others.slice(0, 8).join(", ") : "";
  told.plan.push({
    code: "plan-file-not-found",
    what,
    fix: `Paths are meant from the plan file's folder.${others === "" ? "" : ` That folder holds ${others}.`}`,
    path,
    on: "value",
  });
  return undefined;
}

export function checklistReader(people: People, context: CompileContext, told: Told) {
  return (file: string, path: Path): Checklist => {
    const source = sourceOf(file, path, context, told);
    if (source === undefined) return { source: file, items: [] };
    const { checklist, problems, roles, checks } = parseChecklist(source, file);
    told.files.push(...problems);
    for (const { role, place } of roles) {
      const problem = checkRole(role, people);
      if (problem !== undefined) told.files.push({ ...problem, place });
    }
    for (const { check, place } of checks) {
      for (const { part, ...wrong } of wrongReferences(textOf(check), allowedIn(check), context.env))
        told.files.push({ ...wrong, place: partOf(place, part) });
    }
    return checklist;
  };
}

function textOf(check: MachineCheck): string {
  return Object.values(check)
    .filter((value) => typeof value === "string")
    .join("\n");
}

function allowedIn({ kind }: MachineCheck): Allowed {
  if (kind === "command") return SHELL_ALONE;
  return kind === "http" ? OF_ADDRESS : { own: [], user: false };
}

type Routes = ReadonlyMap<string, readonly Route[]>;

export function smokeReader(services: readonly Service[], routes: Routes, context: CompileContext, told: Told) {
  const flowContext: FlowContext = {
    isService: (name) => services.some((service) => service.name === name),
    serviceNames: services.map(({ name }) => name),
    routeOf: (path, service) => routeFor(routes, path, service) ?? { service: service ?? firstRouted(services) },
    tell: (problem) => told.plan.push(problem),
  };
  const readFile = (file: string, path: Path): readonly SmokeFlow[] => {
    const source = sourceOf(file, path, context, told);
    if (source === undefined) return [];
    const { flows, problems } = parseSmokeFile(source, baseName(file), flowContext);
    told.files.push(...problems);
    for (const { part, ...wrong } of flows.flatMap((flow) => wrongInFlow(flow, context.env))) {
      const start = source.text.indexOf(part);
      told.files.push({ ...wrong, place: start < 0 ? { source } : { source, start, end: start + part.length } });
    }
    return flows;
  };
  return (written: WrittenSmoke, path: Path): readonly SmokeFlow[] => {
    if (written === null) return healthFlows(services, routes);
    if (typeof written === "string") return readFile(written, path);
    if (!Array.isArray(written))
      return Object.entries(written).map(([name, flow]) => compileFlow(name, flow, [...path, name], flowContext));
    const requests = written.filter((item) => !isFile(item));
    if (requests.length === 0) return written.flatMap((item, index) => readFile(item as string, [...path, index]));
    const index = written.findIndex(isFile);
    const file = written[index];
    if (typeof file === "string") {
      const what = `\`${file}\` is a file, among requests.`;
      const fix = "Write a list of files or a list of requests: two `smoke` steps.";
      told.plan.push({ code: "plan-value-invalid", what, fix, path: [...path, index], on: "value" });
      return [];
    }
    return [compileFlow("smoke", requests, path, flowContext)];
  };
}

function wrongInFlow(flow: SmokeFlow, env: CompileContext["env"]): ReturnType<typeof wrongReferences> {
  const requests = [...flow.requests, ...flow.cleanup];
  const commands = requests.filter((request) => request.kind === "command");
  const others = requests.filter((request) => request.kind !== "command");
  return [
    ...commands.flatMap(({ command }) => wrongReferences(command, SHELL_ALONE, env)),
    ...wrongReferences(JSON.stringify([flow.variables, others]), OF_REQUEST, env),
  ];
}

function firstRouted(services: readonly Service[]): string {
  return (services.find(({ routes }) => routes.length > 0) ?? services[0])?.name ?? "";
}

/** The smoke test of a plan that names none: every service with a route answers on its health path. */
function healthFlows(services: readonly Service[], routes: Routes): readonly SmokeFlow[] {
  return services
    .filter((service) => service.routes.length > 0)
    .map(({ name, health }): SmokeFlow => {
      const base = { timeoutMs: health?.timeoutMs ?? 5 * SECOND, attempts: 3 };
      // Through the front door the path decides: a health path that leads to another service proves nothing of this one.
      const route = health === undefined ? undefined : routeFor(routes, health.ready, name);
      const request: SmokeFlow["requests"][number] =
        health !== undefined && route !== undefined
          ? {
              kind: "http",
              name: `GET ${health.ready}`,
              method: "GET",
              path: health.ready,
              headers: route.host === undefined ? {} : { host: route.host },
              expect: { status: [], headers: {}, contains: [], json: [] },
              save: {},
              ...base,
            }
          : { kind: "tcp", name: "accepts connections", ...base };
      return { name: `${name} answers`, service: name, requests: [request], cleanup: [], variables: {} };
    });
}

function baseName(path: string): string {
  return (path.split("/").at(-1) ?? path).replace(/\.[^.]+$/, "");
}
