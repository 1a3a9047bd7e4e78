import { JSON_PATHS_READ, parseJsonPath } from "../core/smoke/json-path.ts";
import type { JsonExpectation, SmokeFlow, SmokeHttp, SmokeRequest } from "../core/smoke/smoke.ts";
import { SECOND } from "../core/time/time.ts";
import type { Path } from "./reading/located.ts";
import type { PathProblem } from "./reading/problem.ts";
import type { SmokeFlowInput, SmokeRequestInput } from "./schema/smoke.ts";
import { variableProblems } from "./smoke-variables.ts";

/** What a flow is held against and filled in from. */
export interface FlowContext {
  readonly isService: (name: string) => boolean;
  /** The service that answers a path through the front door, and the host that it is asked for under. */
  readonly routeOf: (path: string, service?: string) => { readonly service: string; readonly host?: string };
  readonly serviceNames: readonly string[];
  readonly tell: (problem: PathProblem) => void;
}

/** A flow as written in a file or in the plan, as the plan carries it. `path` is where it stands. */
export function compileFlow(name: string, written: SmokeFlowInput, path: Path, context: FlowContext): SmokeFlow {
  const flow = Array.isArray(written) ? { steps: written } : written;
  const stepsPath = Array.isArray(written) ? path : [...path, "steps"];
  const service = serviceOf(flow, path, context);
  const requests = flow.steps.map((step, index) => compileRequest(step, [...stepsPath, index], context, service));
  const cleanup = (flow.cleanup ?? []).map((step, index) =>
    compileRequest(step, [...path, "cleanup", index], context, service),
  );
  const compiled = { name, service, requests, cleanup, variables: flow.with ?? {} };
  for (const problem of variableProblems(compiled, stepsPath, path)) context.tell(problem);
  return compiled;
}

function serviceOf(flow: Exclude<SmokeFlowInput, readonly unknown[]>, path: Path, context: FlowContext): string {
  const { service } = flow;
  if (service !== undefined) {
    if (!context.isService(service)) {
      const fix = `The services of the plan are: ${context.serviceNames.join(", ")}.`;
      const what = `There is no service \`${service}\`.`;
      context.tell({ code: "plan-name-unknown", what, fix, path: [...path, "service"], on: "value" });
    }
    return service;
  }
  const first = flow.steps.map(pathOf).find((found) => found !== undefined);
  return context.routeOf(first ?? "/").service;
}

function pathOf(step: SmokeRequestInput): string | undefined {
  return httpOf(step)?.path;
}

const METHODS = ["get", "post", "put", "patch", "delete", "head", "options"] as const;
type RequestObject = Exclude<SmokeRequestInput, string>;
type HttpObject = Exclude<RequestObject, { tcp: unknown } | { run: unknown }>;

/** The method and path of a request over HTTP, and what is written beside them. */
function httpOf(
  step: SmokeRequestInput,
): { readonly method: string; readonly path: string; readonly beside: Omit<HttpObject, "get"> } | undefined {
  if (typeof step === "string") {
    const [method = "", path = "", status] = step.split(" ");
    return { method, path, beside: status === undefined ? {} : { expect: Number(status) } };
  }
  if ("tcp" in step || "run" in step) return undefined;
  const method = METHODS.find((known) => known in step) ?? "get";
  return { method: method.toUpperCase(), path: (step as Record<string, unknown>)[method] as string, beside: step };
}

function compileRequest(step: SmokeRequestInput, path: Path, context: FlowContext, service: string): SmokeRequest {
  const http = httpOf(step);
  if (http !== undefined) return compileHttp(http, path, context, service);
  const other = step as Extract<RequestObject, { tcp: unknown } | { run: unknown }>;
  const base = { timeoutMs: other.timeout ?? DEFAULT_TIMEOUT, attempts: other.attempts ?? 1 };
  if ("run" in other) return { kind: "command", name: other.name ?? other.run, command: other.run, ...base };
  const address = other.tcp ?? undefined;
  const name = other.name ?? (address === undefined ? "accepts connections" : `tcp ${address}`);
  return { kind: "tcp", name, ...base, ...(address === undefined ? {} : { address }) };
}

const DEFAULT_TIMEOUT = 10 * SECOND;

function compileHttp(
  { method, path: asked, beside }: NonNullable<ReturnType<typeof httpOf>>,
  path: Path,
  context: FlowContext,
  service: string,
): SmokeHttp {
  const { host } = context.routeOf(asked, service);
  const headers = beside.headers ?? {};
  const namesHost = Object.keys(headers).some((name) => name.toLowerCase() === "host");
  const body =
    beside.send === undefined ? undefined : typeof beside.send === "string" ? beside.send : JSON.stringify(beside.send);
  for (const [name, from] of Object.entries(beside.save ?? {})) {
    if (from.startsWith("$")) checkJsonPath(from, [...path, "save", name], "value", context);
  }
  return {
    kind: "http",
    name: beside.name ?? `${method} ${asked}`,
    method,
    path: asked,
    headers: host === undefined || namesHost ? headers : { ...headers, host },
    ...authOf(beside.auth, path, context),
    ...(body === undefined ? {} : { body }),
    expect: expectationOf(beside, path, context),
    save: beside.save ?? {},
    timeoutMs: beside.timeout ?? DEFAULT_TIMEOUT,
    attempts: beside.attempts ?? 1,
  };
}

function authOf(auth: HttpObject["auth"], path: Path, context: FlowContext): Pick<SmokeHttp, "auth"> {
  if (auth === undefined) return {};
  const [secret, where] = "bearer" in auth ? [auth.bearer, ["bearer"]] : [auth.basic.password, ["basic", "password"]];
  // I8: flows travel in the plan, and the plan in the journal.
  if (!/\$\{[A-Z_][A-Z0-9_]*\}|\{\{.*\}\}/.test(secret)) {
    context.tell({
      code: "plan-value-invalid",
      what: "A secret can't stand here in plain text: the plan is kept in the journal.",
      fix: "Write a reference to an environment variable, `${SMOKE_PASSWORD}`, or a variable of the flow, `{{token}}`.",
      path: [...path, "auth", ...where],
      on: "value",
      isSecret: true,
    });
  }
  if ("bearer" in auth) return { auth: { kind: "bearer", token: auth.bearer } };
  return { auth: { kind: "basic", ...auth.basic } };
}

function expectationOf(beside: Omit<HttpObject, "get">, path: Path, context: FlowContext): SmokeHttp["expect"] {
  const { expect } = beside;
  const long = typeof expect === "object" && !Array.isArray(expect) ? expect : {};
  const status = typeof expect === "object" && !Array.isArray(expect) ? expect.status : expect;
  const withinMs = long.within ?? beside.within;
  for (const key of ["json", "contains", "within"] as const) {
    if (long[key] === undefined || beside[key] === undefined) continue;
    const what = `\`${key}\` stands here twice: beside \`expect\` and in it.`;
    context.tell({ code: "plan-key-twice", what, fix: "Keep one of them.", path: [...path, key], on: "key" });
  }
  const jsonPath = beside.json === undefined ? [...path, "expect", "json"] : [...path, "json"];
  return {
    status: listOf(status),
    headers: long.headers ?? {},
    contains: listOf(long.contains ?? beside.contains),
    json: Object.entries(long.json ?? beside.json ?? {}).map(([at, wanted]) =>
      jsonExpectation(at, wanted, [...jsonPath, at], context),
    ),
    ...(withinMs === undefined ? {} : { withinMs }),
  };
}

function listOf<T>(value: T | T[] | undefined): readonly T[] {
  return value === undefined ? [] : Array.isArray(value) ? value : [value];
}

type JsonWanted = NonNullable<HttpObject["json"]>[string];

function jsonExpectation(at: string, wanted: JsonWanted, path: Path, context: FlowContext): JsonExpectation {
  checkJsonPath(at, path, "key", context);
  if (wanted === "exists") return { path: at, operator: "exists", value: true };
  if (wanted === null || typeof wanted !== "object") return { path: at, operator: "equals", value: wanted };
  const [operator, value] = Object.entries(wanted)[0] as [JsonExpectation["operator"], JsonExpectation["value"]];
  if (operator === "matches" && !isPattern(String(value))) {
    const what = `\`${String(value)}\` is not a regular expression.`;
    context.tell({ code: "plan-value-invalid", what, path: [...path, "matches"], on: "value" });
  }
  return { path: at, operator, value };
}

function checkJsonPath(text: string, path: Path, on: "key" | "value", context: FlowContext): void {
  // A variable in it is filled in later; any name or index may stand there.
  const result = parseJsonPath(text.replaceAll(/\{\{[^}]*\}\}/g, "0"));
  if (result.ok) return;
  context.tell({
    code: "plan-value-invalid",
    what: `\`${text}\` is ${result.beyond ? "more than is read of JSONPath here" : "not a JSONPath"}: ${result.problem}.`,
    fix: result.beyond ? JSON_PATHS_READ : "Write it like `$.items[0].id`.",
    path,
    on,
  });
}

function isPattern(text: string): boolean {
  try {
    return new RegExp(text) instanceof RegExp;
  } catch {
    return false;
  }
}
