import type { Guard } from "../plan/guard.ts";
import { plannedHoldMs } from "../plan/hold-time.ts";
import type { Step, StepOf } from "../plan/step.ts";
import type { SmokeFlow, SmokeRequest } from "../smoke/smoke.ts";
import { type Duration, formatDuration, SECOND } from "../time/time.ts";
import { NO_DATA } from "./own-data.ts";
import { isSafe } from "./recorded-requests.ts";
import type { LeftOut } from "./rehearsal.ts";

/** What a rehearsal has of its own, and what of a release it leaves out. */
export interface Inside {
  /** Those that are started. */
  readonly services: ReadonlySet<string>;
  readonly hasOwnData: boolean;
  readonly leftOut: LeftOut[];
}

/** As long as a share is held at most. */
const HELD_MS: Duration = 3 * SECOND;

/** What a rehearsal runs of a step; none where it leaves it out. */
export function stepsOf(step: Step, inside: Inside): readonly Step[] {
  const { services, leftOut } = inside;
  const out = (why: string): readonly Step[] => {
    leftOut.push({ what: `step "${step.name}"`, why });
    return [];
  };
  const { afterMs, at: _at, ...rest } = step;
  if (afterMs !== undefined && kept(step))
    leftOut.push({ what: `the ${formatDuration(afterMs)} before "${step.name}"`, why: "a rehearsal does not wait" });
  const own = { ...rest, guards: guardsOf(step, leftOut) } as Step;
  switch (own.kind) {
    case "check":
      return out("a checklist is for people, and its checks look at production");
    case "approve":
      return out("nobody is asked in a rehearsal");
    case "window":
      return out("a rehearsal does not wait for a time");
    case "notify":
      return out("nobody is told of a rehearsal");
    case "run":
      return own.rehearse === true
        ? [own]
        : out("it may reach beyond the sandbox: `rehearse: true` says that it does not");
    case "backup":
    case "migrate":
    case "start":
    case "retire":
      return [own];
    case "smoke": {
      const flows = flowsOf(own.flows, step.name, inside);
      return flows.length === 0 ? [] : [{ ...own, flows }];
    }
    case "warm":
      return services.has(own.warm.service) ? [warmed(own, leftOut)] : out("its service is left out");
    case "shift":
      return [{ ...own, hold: { kind: "for", ms: Math.min(HELD_MS, plannedHoldMs(own.hold)) } }];
  }
}

function kept({ kind }: Step): boolean {
  return kind !== "check" && kind !== "approve" && kind !== "window" && kind !== "notify";
}

function warmed(step: StepOf<"warm">, leftOut: LeftOut[]): Step {
  const { until, ...warm } = step.warm;
  if (until === undefined) return step;
  leftOut.push({ what: `the line that says when "${step.name}" is over`, why: "it may reach beyond the sandbox" });
  return { ...step, warm };
}

/** Requests go to the sandbox; shell lines and addresses of others would not. */
export function flowsOf(
  flows: readonly SmokeFlow[],
  step: string,
  { services, hasOwnData, leftOut }: Inside,
): readonly SmokeFlow[] {
  return flows.filter(({ name, service, requests, cleanup }) => {
    const all = [...requests, ...cleanup];
    const isInside = services.has(service) && all.every(staysInside);
    const isHarmless = hasOwnData || all.every((request) => request.kind !== "http" || isSafe(request));
    const what = `the flow "${name}" of "${step}"`;
    if (!isInside) leftOut.push({ what, why: "it reaches beyond the sandbox" });
    else if (!isHarmless) leftOut.push({ what, why: `it may change something, and ${NO_DATA}` });
    return isInside && isHarmless;
  });
}

function staysInside(request: SmokeRequest): boolean {
  return request.kind === "http" || (request.kind === "tcp" && request.address === undefined);
}

/** Of what the sandbox itself says. */
function guardsOf({ guards }: Step, leftOut: LeftOut[]): readonly Guard[] {
  return guards.flatMap((guard) => {
    if (guard.source !== undefined && guard.source.from.kind !== "log") {
      leftOut.push({ what: `the guard ${guard.metric}`, why: "its figures are production's" });
      return [];
    }
    const { to: _to, ...own } = guard;
    return [own];
  });
}
