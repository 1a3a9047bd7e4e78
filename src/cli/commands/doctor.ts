import { withoutFullStop } from "../../core/text/plain-text.ts";
import { serves } from "../cut-off.ts";
import { describeFault, type Fault, faultOf } from "../../core/fault.ts";
import type { LoadedPlan } from "../../config/load.ts";
import { answer, type Context } from "../context.ts";
import type { CommandDefinition } from "../definition.ts";
import { lookAtDatabase } from "../doctor/database.ts";
import { type Finding, found } from "../doctor/finding.ts";
import { lookAtMachine, stateTrouble } from "../doctor/machine.ts";
import { lookAtPorts } from "../doctor/ports.ts";
import {
  lookAtEngine,
  lookAtHealth,
  lookAtOwner,
  lookAtPlane,
  lookAtStrays,
  lookAtVersions,
} from "../doctor/processes.ts";
import { lookAtReceivers } from "../doctor/receivers.ts";
import { lookAtRehearsals } from "../doctor/rehearsals.ts";
import { lookAtSources } from "../doctor/sources.ts";
import { DONE, REFUSED } from "../exit-code.ts";
import { unwrittenServices, WRITE_RUN } from "../init/unknown-run.ts";
import { withPlace } from "../notices.ts";
import { otherDaysOf, unknownDays } from "../other-days.ts";
import { loadPlan } from "../plan-file.ts";
import { findingsView } from "../render/findings.ts";

export const doctor: CommandDefinition = {
  about:
    "Looks at everything that a release needs: Node, git, the state folder and its disk, the plan file, the versions, the receivers of messages (their settings; nothing is sent), the ports (free, or who has them and how to take over), the database with its migrations and backups, keeper, data plane and engine, the health of what serves, and the sources of figures that guards ask. Says what is missing and how to get it. Ends with 3 when something is in the way.",
  arguments: [],
  options: [],
  examples: [{ line: "tidegate doctor", does: "changes nothing" }],
  run: async ({ context }) => {
    const findings = await look(context);
    const isReady = findings.every(({ state }) => state !== "bad");
    return answer(
      context,
      { ready: isReady, findings },
      findingsView(findings, context.terminal.style()),
      isReady ? DONE : REFUSED,
    );
  },
};

async function look(context: Context): Promise<readonly Finding[]> {
  const project = context.project();
  const machine = await lookAtMachine(project);
  const read = await readPlan(context);
  if ("finding" in read) return [...machine, ...read.finding, ...(await lookAtEngine(context))];
  const { plan, notes } = read.loaded;
  const planFile = found("plan file", "ok", `${read.loaded.file}, for ${plan.environment}`);
  if (stateTrouble(project.state) !== null) return [...machine, planFile];
  const outside = await context.machinery.outside({
    project,
    plan,
    env: context.env,
    say: () => undefined,
    isFollowed: true,
  });
  const plane = await outside.traffic.read().then(
    (state) => ({ state, fault: null }),
    (error: unknown) => ({
      state: null,
      fault: faultOf(error, "traffic-unreachable", "it can't be asked").what,
    }),
  );
  return [
    ...machine,
    planFile,
    ...(await lookAtOwner(context, plan, outside)),
    ...notes.map((note) => found("plan file", "warn", note)),
    ...unwrittenServices(plan).map((name) =>
      found("plan file", "bad", `nobody has written yet how ${name} starts`, WRITE_RUN),
    ),
    ...(await outside.notices()).map(({ about, level, fix, ...notice }) => found(about, level, withPlace(notice), fix)),
    ...(await lookAtReceivers(context, plan)),
    ...(await lookAtVersions(context, plan, outside)),
    ...(await lookAtPorts(plan, plane.state, await context.machinery.portsOfSystemd(context.project().state))),
    ...(plan.traffic.kind === "haproxy" ? await (await context.machinery.haproxy()).look(plan) : []),
    // Why another's load balancer does not answer stands above already, and nobody here starts it.
    ...(plan.traffic.kind === "haproxy" && plane.state === null
      ? []
      : [lookAtPlane(plane.state, plane.fault, plane.state === null && (await serves(context, plan)))]),
    ...unknownDays(await otherDaysOf(plan, outside.traffic, Date.now())).map((sentence) =>
      found("other days", "warn", withoutFullStop(sentence)),
    ),
    ...(await lookAtDatabase(context, plan)),
    ...lookAtRehearsals(project),
    ...(await lookAtEngine(context)),
    ...(await lookAtHealth(context, plan)),
    ...(await lookAtSources(context, plan, outside)),
    ...(await lookAtStrays(context)),
  ];
}

async function readPlan(
  context: Context,
): Promise<{ readonly loaded: LoadedPlan } | { readonly finding: readonly Finding[] }> {
  try {
    return { loaded: await loadPlan(context, context.project()) };
  } catch (error) {
    const faults: readonly Fault[] =
      error instanceof Error && "faults" in error
        ? (error.faults as readonly Fault[])
        : [faultOf(error, "plan-file-unreadable", "The plan file can't be read.")];
    return { finding: faults.map(findingOf) };
  }
}

function findingOf(fault: Fault): Finding {
  const { fix, code: _, ...shown } = fault;
  return found("plan file", "bad", describeFault({ ...shown, code: "" }), fix);
}
