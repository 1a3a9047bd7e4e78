import { FaultError } from "../../core/fault.ts";
import type { Plan } from "../../core/plan/plan.ts";
import { isStartedByLine } from "../../core/plan/service.ts";

/** What stands in `run` where nobody knows how the service starts: the plan can be read, and says what to do. */
export const UNKNOWN_RUN = "echo 'write the command that starts your service here' && exit 1";

/** The services whose command nobody has written yet. */
export function unwrittenServices({ services }: Plan): readonly string[] {
  return services
    .filter(isStartedByLine)
    .filter(({ runtime: { run } }) => run === UNKNOWN_RUN)
    .map(({ name }) => name);
}

/** How to write it, for the first of them. */
export const WRITE_RUN =
  "write the command that starts it into `run` in the plan file, such as: node server.js --port ${port}";

/** Faults: plan-file-unfinished. */
export function mustBeWritten(plan: Plan): void {
  const [first] = unwrittenServices(plan);
  if (first === undefined) return;
  throw new FaultError({
    code: "plan-file-unfinished",
    what: `Nobody has written yet how ${first} starts: \`run\` is what tidegate init put there.`,
    fix: WRITE_RUN,
  });
}
