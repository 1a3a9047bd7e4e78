import type { Checklist } from "../../core/plan/checklist.ts";
import type { Guard } from "../../core/plan/guard.ts";
import type { Service } from "../../core/plan/service.ts";
import type { Step, Warm } from "../../core/plan/step.ts";
import type { NotifyTarget } from "../../core/plan/receiver.ts";
import { formatShare } from "../../core/traffic/share.ts";
import type { SmokeFlow } from "../../core/smoke/smoke.ts";
import { MINUTE, SECOND } from "../../core/time/time.ts";
import { nearest } from "../../core/text/nearest.ts";
import { unknownReceivers } from "./nobody-of-that-name.ts";
import type { Path } from "../reading/located.ts";
import { slug } from "../slug.ts";
import type { CompileContext, Told } from "./context.ts";
import type { Draft, WrittenStep } from "./drafts.ts";
import { checkRole, type People } from "./people.ts";
import { compileWindow } from "./window.ts";

/** What the steps of a plan refer to. */
export interface StepContext extends CompileContext {
  readonly services: readonly Service[];
  readonly notify: readonly NotifyTarget[];
  readonly people: People;
  readonly told: Told;
  readonly readChecklist: (file: string, path: Path) => Checklist;
  readonly readSmoke: (written: WrittenStep<"smoke">["smoke"], path: Path) => readonly SmokeFlow[];
}

/** A draft with its guards as the plan carries it. `number` counts from 1; `width` is how many digits ids have. */
export function compileStep(
  draft: Draft,
  guards: readonly Guard[],
  number: number,
  width: number,
  context: StepContext,
): Step {
  const { written, phase, path } = draft;
  const name = written.name ?? nameOf(draft);
  const at = draft.isImplied ? undefined : context.at(path);
  const base = {
    id: `${String(number).padStart(width, "0")}-${slug(name)}`,
    name,
    ...(phase === undefined
      ? {}
      : {
          phase: {
            name: phase.written.phase,
            ...(phase.written.objective === undefined ? {} : { objective: phase.written.objective }),
          },
        }),
    guards,
    else: draft.else,
    ...(written.after === undefined ? {} : { afterMs: written.after }),
    ...(at === undefined ? {} : { at }),
  };
  return { ...base, ...kindOf(draft, context) };
}

type Kind = DistributiveOmit<Step, "id" | "name" | "phase" | "guards" | "else" | "afterMs" | "at">;
type DistributiveOmit<T, K extends PropertyKey> = T extends unknown ? Omit<T, K> : never;

function kindOf(draft: Draft, context: StepContext): Kind {
  const { written, path } = draft;
  if ("check" in written)
    return {
      kind: "check",
      checklist: context.readChecklist(written.check, [...path, "check"]),
      boundMs: written.timeout ?? 10 * MINUTE,
    };
  if ("approve" in written) return compileApprove(written, path, context);
  if ("window" in written)
    return { kind: "window", window: compileWindow(written.window, [...path, "window"], context.told) };
  if ("smoke" in written) return { kind: "smoke", flows: context.readSmoke(written.smoke, [...path, "smoke"]) };
  if ("warm" in written) return { kind: "warm", warm: compileWarm(written, path, context) };
  if ("shift" in written)
    return {
      kind: "shift",
      share: draft.share?.value ?? 0,
      hold: holdOf(draft),
      ...(written.unclear === undefined ? {} : { unclear: written.unclear }),
    };
  if ("notify" in written) return compileNotifyStep(written, path, context);
  if ("run" in written) {
    const { run, undo, timeout, repeat, rehearse } = written;
    return {
      kind: "run",
      command: run,
      ...(undo === undefined ? {} : { undo }),
      timeoutMs: timeout,
      repeat,
      ...(rehearse ? { rehearse: true } : {}),
    };
  }
  if ("backup" in written) return { kind: "backup", proof: written.backup };
  if ("migrate" in written) return { kind: "migrate", what: written.migrate };
  return { kind: "start" in written ? "start" : "retire" };
}

/** Long enough for a whole window of every guard; after the bound a step without evidence waits for a person. */
export function holdOf({ forMs }: Draft): Extract<Step, { kind: "shift" }>["hold"] {
  return forMs === undefined
    ? { kind: "evidence", atLeastMs: MINUTE, boundMs: 10 * MINUTE }
    : { kind: "for", ms: forMs };
}

function compileApprove({ approve }: WrittenStep<"approve">, path: Path, { people, told }: StepContext): Kind {
  const { role, count } = typeof approve === "string" ? { role: approve, count: 1 } : approve;
  const at = typeof approve === "string" ? [...path, "approve"] : [...path, "approve", "role"];
  const problem = checkRole(role, people);
  if (problem !== undefined) told.plan.push({ ...problem, path: at, on: "value", isAbsence: true });
  const able =
    role === "anyone"
      ? Object.keys(people).length
      : Object.values(people).filter((roles) => roles.includes(role)).length;
  const isTeam = Object.keys(people).length > 0;
  if (problem === undefined && isTeam && able < count) {
    const what = `${count} approvals are asked for, and ${able === 1 ? "one person has" : `${able} people have`} the role \`${role}\`.`;
    const fix = "Give the role to more people under `people:`, or ask for fewer.";
    told.plan.push({
      code: "plan-value-invalid",
      what,
      fix,
      path: [...path, "approve", "count"],
      on: "value",
      isAbsence: true,
    });
  }
  return { kind: "approve", role, count };
}

function compileWarm({ warm }: WrittenStep<"warm">, path: Path, { services, told }: StepContext): Warm {
  const routed = services.filter(({ routes }) => routes.length > 0);
  const long = Array.isArray(warm)
    ? { pages: warm, service: undefined, within: SECOND, rounds: 2, until: undefined, timeout: 5 * MINUTE }
    : warm;
  const service = long.service ?? routed[0]?.name;
  if (service === undefined) {
    const what = "No service has a route, so there is no page to visit.";
    told.plan.push({
      code: "plan-steps-order",
      what,
      fix: "Remove the step.",
      path: [...path, "warm"],
      on: "key",
      isAbsence: true,
    });
  } else if (!routed.some(({ name }) => name === service)) {
    const known = routed.map(({ name }) => name);
    const near = nearest(service, known);
    const what = `There is no service \`${service}\` with a route${near === undefined ? "." : `; did you mean \`${near}\`?`}`;
    const fix = `Services with a route: ${known.join(", ")}.`;
    told.plan.push({
      code: "plan-name-unknown",
      what,
      fix,
      path: [...path, "warm", "service"],
      on: "value",
      isAbsence: true,
    });
  }
  return {
    service: service ?? "",
    pages: long.pages,
    withinMs: long.within,
    rounds: long.rounds,
    ...(long.until === undefined ? {} : { until: long.until }),
    boundMs: long.timeout,
  };
}

function compileNotifyStep({ notify, to = [] }: WrittenStep<"notify">, path: Path, context: StepContext): Kind {
  context.told.plan.push(...unknownReceivers(to, [...path, "to"], context.notify));
  return { kind: "notify", message: notify, to };
}

function nameOf(draft: Draft): string {
  const { written, verb } = draft;
  if (draft.share !== undefined) return `shift ${formatShare(draft.share.value)}`;
  if ("check" in written) return `check ${baseName(written.check)}`;
  if ("approve" in written)
    return `approve ${typeof written.approve === "string" ? written.approve : written.approve.role}`;
  if ("smoke" in written && typeof written.smoke === "string") return `smoke ${baseName(written.smoke)}`;
  if ("run" in written) return `run ${firstWords(written.run)}`;
  if ("migrate" in written) return written.migrate === "all" ? verb : `migrate ${written.migrate}`;
  return verb;
}

/** `checklists/production.md` → `production`. */
function baseName(path: string): string {
  return (path.split("/").at(-1) ?? path).replace(/\.[^.]+$/, "");
}

function firstWords(line: string): string {
  const words = line.trim().split(/\s+/);
  const [first = "", second, third] = words;
  const short = [first, second, third].filter((word) => word !== undefined).join(" ");
  if (short.length <= 40) return short;
  return first.length <= 40 ? first : `${first.slice(0, 39)}…`;
}
