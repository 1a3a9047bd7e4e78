import { z } from "zod";
import { knowing } from "./about.ts";
import { guards } from "./guards.ts";
import { duration, text } from "./values.ts";

/** Of steps and phases. */
export const otherwise = knowing(z.enum(["rollback", "hold", "step-back"]).optional(), {
  default: "`rollback`",
}).describe(
  "What happens when the step fails: `rollback`, `hold` until a person decides, or `step-back` to the share before.",
);

/** What every step may have beside its verb. */
export const stepSiblings = {
  name: text("a name", "day-1").optional().describe("What people see; by default what the step does."),
  after: duration.optional().describe("Not before this long after the release went live (24h: the sign-off of day 1)."),
  else: otherwise,
  guards: guards.optional().describe("Guards of this step alone, laid over those of its phase and of the plan."),
};
