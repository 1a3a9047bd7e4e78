import { z } from "zod";
import { type Limit, type Metric, METRICS } from "../../core/plan/guard.ts";
import { limitFix, parseLimit } from "../../core/plan/limit.ts";
import { OBJECTIVES, parseObjective } from "../../core/plan/objective.ts";
import { knowing } from "./about.ts";
import { limitsBy, OFF } from "./limits.ts";
import { duration, oneOrMore, percent, requestPath, text, wholeNumber, yesOrNo } from "./values.ts";

/** With what a limit like `1.5x` compares. */
const COMPARED_WITH = ["stable", "day-before", "week-before"] as const;

const OF_PLAIN = 'Of limits over a window, like `"> 1%"`.';

/** What may be written of any guard. */
export function terms(metric: Metric) {
  const limit = limitsBy<Limit>(`limit-${metric}`, (written) => parseLimit(metric, written), {
    noun: `a limit on ${METRICS[metric].label}`,
    like: limitFix(metric),
  });
  return {
    warn: limit.optional().describe("Tell people."),
    hold: limit.optional().describe("Don't go on while it is broken."),
    rollback: limit.optional().describe("Put the old version back (or what the step's `else` says)."),
    compare: z
      .enum(COMPARED_WITH)
      .optional()
      .describe(
        "What limits like `1.5x` of errors, latencies and WebSockets mean: `stable`, as it serves beside the new version (before the switch, at 100%), or the same half hour a day or a week before (`day-before`, `week-before`; 24 hours, or 7 times 24, whatever the clocks did since). Of another day the upper bound of what stable did then, times the factor, is tested as a limit of the new version's own; where the data plane has no figures of then the step waits.",
      ),
    promote: percent
      .optional()
      .describe(
        "Of rates: what must be excluded before a step passes; by default the guard's own limit, else 1%. The lower, the more requests it takes.",
      ),
    weight: percent
      .optional()
      .describe(
        "Its part of the evidence of all comparisons, which share one budget for false alarms: by default errors 50%, latencies 30%, the rest 20%.",
      ),
    window: knowing(duration.optional(), { default: "`60s`" }).describe(
      `The last so many seconds that a look takes in. ${OF_PLAIN}`,
    ),
    minRequests: knowing(wholeNumber(1).optional(), { default: "`100`" }).describe(
      `Requests of the new version in the window below which nothing is said. ${OF_PLAIN}`,
    ),
    minEvents: knowing(wholeNumber(1).optional(), { default: "`3`" }).describe(
      `Bad requests below which a rate is never broken: one error in a hundred requests is not yet 1%. Among fewer requests than that no step passes either. ${OF_PLAIN}`,
    ),
    delay: knowing(duration.optional(), { default: "`0s`" }).describe(
      "Watched time from the step's beginning in which it is not looked at, for versions that need to warm up. What happens then counts for nothing, and it can't pass before.",
    ),
    failures: wholeNumber(1)
      .optional()
      .describe(
        `Broken looks in the whole step, in a row or not, with which it speaks too, for the rest of the step. ${OF_PLAIN}`,
      ),
    inconclusive: wholeNumber(1)
      .optional()
      .describe(
        `Looks in a row that can't tell, for want of requests, after which the step's \`unclear\` says what follows; by default that waits for twice the step's time. ${OF_PLAIN}`,
      ),
    sourceErrors: wholeNumber(1)
      .optional()
      .describe(
        `Looks in a row in which the data plane's figures can't be read, after which the step holds and tells people; never a failure of the new version. By default that waits for twice the step's time. ${OF_PLAIN}`,
      ),
    successes: knowing(wholeNumber(1).optional(), { default: "`1`" }).describe(
      `Good looks in a row before it passes. ${OF_PLAIN}`,
    ),
    to: oneOrMore(text("the name of a receiver", "database"))
      .optional()
      .describe(
        "Who hears of it: names under `notify:`. They alone are told of a warning; of a hold and a rollback they are told beside whoever else is.",
      ),
    dryRun: yesOrNo()
      .optional()
      .describe(
        "`true`: try it out. It is judged and told like any other, and nothing follows from it: it holds nothing, puts nothing back, and keeps no step from passing.",
      ),
    breaches: knowing(wholeNumber(1).optional(), { default: "`3`" }).describe(
      `Broken looks in a row, one a second, before it speaks. ${OF_PLAIN}`,
    ),
  };
}

/** What may be written of guards on all requests. */
export function objectiveOf(metric: Metric) {
  return {
    slo: objective(metric)
      .optional()
      .describe(
        "The objective of the service (SLO): of a rate what it is at most, of `availability` at least, of p95 and p99 the time within which that part is answered. At 100% it is judged by how fast its budget burns: 14.4 times as fast as it allows, over the last hour and over the last 5 minutes, does what `rollback` does; 6 times over 6 hours and 30 minutes what `hold` does; both only with 10 bad requests or more.",
      ),
  };
}

/** The requests of a feature. */
export const only = knowing(
  z
    .strictObject({
      route: requestPath("/checkout")
        .optional()
        .describe("Requests of this path and all below it: `/checkout` is `/checkout/pay` too, not `/checkouts`."),
      method: knowing(z.string().regex(/^[A-Za-z]+$/), { noun: "a method", like: "POST" })
        .optional()
        .describe("Requests with this method."),
      header: knowing(z.record(text("the name of a header", "x-plan"), text("its value", "gold")), {
        noun: "the name of a header and its value",
        like: "{ x-plan: gold }",
      })
        .optional()
        .describe("Requests with this header and value, `{ x-plan: gold }`: one of them."),
    })
    .meta({ id: "only" }),
  { noun: "an object with `route`, `method` or `header`", like: "{ route: /checkout, method: POST }" },
);

/** What a service promises for months; null switches off what a wider scope has set. */
function objective(metric: Metric) {
  const schema = z.union([z.string(), z.number()]).transform((value, context): number | null => {
    if (value === OFF) return null;
    const result = parseObjective(metric, value);
    if (result.ok) return result.value;
    context.issues.push({ code: "custom", message: result.what, params: { fix: result.fix }, input: value });
    return null;
  });
  return knowing(schema.meta({ id: `slo-${metric}` }), {
    noun: `an objective for ${METRICS[metric].label}`,
    like: OBJECTIVES[metric],
  });
}
