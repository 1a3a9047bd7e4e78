import { z } from "zod";
import type { Metric } from "../../core/plan/guard.ts";
import { knowing } from "./about.ts";
import { objectiveOf, only, terms } from "./guard-terms.ts";
import { OFF } from "./limits.ts";
import { sourceGuard } from "./sources.ts";
import { name } from "./values.ts";

const EXAMPLES: Readonly<Record<Metric, string>> = {
  errors: "1%",
  availability: "99.9%",
  p50: "200ms",
  p95: "1s",
  p99: "3s",
  websockets: "1%",
  cpu: "80%",
  memory: "90%",
  restarts: "2",
};

function orOff<S extends z.ZodType>(metric: Metric, levels: S) {
  return knowing(z.union([z.literal(OFF), levels]), {
    noun: "an object with `warn`, `hold` or `rollback`, or `off`",
    like: `{ rollback: ${EXAMPLES[metric]} }`,
  });
}

function guard(metric: Metric, description: string) {
  return orOff(metric, z.strictObject({ ...terms(metric), ...objectiveOf(metric) }))
    .optional()
    .describe(description);
}

/** Of requests, which can be told apart by what they ask for. */
function requestGuard(metric: Metric, description: string) {
  const shared = terms(metric);
  const feature = z.strictObject({
    only: only
      .optional()
      .describe(
        "Which requests it is about: all that is said must be so. Written once; where the same feature has other limits it stays as it was.",
      ),
    ...shared,
  });
  const features = knowing(
    z.record(name("the name of a feature", "checkout"), orOff(metric, feature.meta({ id: `feature-${metric}` }))),
    {
      noun: "names of features and their limits",
      like: `{ checkout: { only: { route: /checkout }, rollback: ${EXAMPLES[metric]} } }`,
    },
  );
  return orOff(
    metric,
    z.strictObject({
      ...shared,
      ...objectiveOf(metric),
      features: features
        .optional()
        .describe(
          "Limits for a part of the requests alone, by a name of your own: each is a guard of its own beside this one.",
        ),
    }),
  )
    .optional()
    .describe(description);
}

const metrics = {
  errors: requestGuard("errors", "Share of requests that failed: 5xx, cut off, timed out, not connected."),
  availability: requestGuard("availability", "Share of requests that did not fail: `99.9%`; less is worse."),
  p50: requestGuard("p50", "Time within which half of the requests were answered."),
  p95: requestGuard("p95", "Time within which 95% of the requests were answered."),
  p99: requestGuard("p99", "Time within which 99% of the requests were answered."),
  websockets: guard("websockets", "Share of WebSockets that failed to open or were cut by the app."),
  cpu: guard(
    "cpu",
    "CPU time as a part of one core, mean over the version's instances; may be above 100%. `1.5x` compares with stable by blocks of a minute, where an instance of either answers about as many requests.",
  ),
  memory: guard(
    "memory",
    "Part of the machine's memory (or the container's limit), the version's worst instance. `1.5x` compares with stable by blocks of a minute, `+2%/h` is a limit on its growth.",
  ),
  restarts: guard("restarts", "Crashes of the version's instances since the step began: a plain number."),
};

type OwnGuards = z.ZodObject<typeof metrics>;

/** Parts of the release's life, which have their place in the guards of the whole plan alone. */
const PARTS = ["before", "during", "after"];
const NO_PARTS = Object.fromEntries(
  PARTS.map((name) => [name, z.never().optional().describe("Not here: it belongs to the guards of the whole plan.")]),
);

/** As people write it: Tidegate's metrics, and under any other name a guard with a source. */
export interface GuardsInput extends z.input<OwnGuards> {
  // TypeScript has no word for "all other keys": what is written under them is held against the schema when it is read.
  readonly [name: string]: object | string | undefined;
}

/** As it was read. What stands under other names sources.ts of the compiler finds. */
export interface GuardsOutput extends z.output<OwnGuards> {}

/** Guards of a step, a phase, or a part of the release's life. Those under names of the user's own have a source. */
export const guards = knowing(
  z
    .object({ ...metrics, ...NO_PARTS })
    .catchall(sourceGuard)
    .meta({ id: "guards" }) as unknown as z.ZodType<GuardsOutput, GuardsInput>,
  {
    elsewhere: Object.fromEntries(
      PARTS.map((part) => [
        part,
        {
          what: `\`${part}\` has no meaning here: a step or phase has one place in the release's life.`,
          fix: "Write the metrics themselves, or move it to the `guards:` of the whole plan.",
        },
      ]),
    ),
  },
);

const part = (when: string) => guards.optional().describe(when);

const ofPlan = {
  ...metrics,
  before: part(
    "Limits before the first shift only. No request reaches the new version then, so these are on `cpu`, `memory` and `restarts`.",
  ),
  during: part("Limits from the first shift on, while the traffic is split."),
  after: part(
    "Limits of the shift to 100%. No stable serves beside then: `1.5x` here means stable in the quarter of an hour before the switch.",
  ),
};

type OfPlan = z.ZodObject<typeof ofPlan>;

export interface PlanGuardsInput extends z.input<OfPlan> {
  readonly [name: string]: object | string | undefined;
}

export interface PlanGuardsOutput extends z.output<OfPlan> {}

/** Guards of the whole plan: metrics for all of it, and for a part of its life. */
export const planGuards = knowing(
  z.object(ofPlan).catchall(sourceGuard) as unknown as z.ZodType<PlanGuardsOutput, PlanGuardsInput>,
  {
    section: {
      title: "Guards",
      intro: `A guard is a metric and its limits, watched while a step lasts: \`warn\` tells people, \`hold\` waits, \`rollback\` puts the old version back. The unit says what is meant: \`1%\`, \`800ms\` and \`2\` are limits of the new version's own, \`1.5x\` compares with what stable does in the same seconds: a tolerance on the odds of a rate, a divisor of a latency. A list (\`[1%, 1.5x]\`) is broken when all of it is.

Both are tested with every second's evidence, as often as there is some; [judge.md](judge.md) says how, and what is guaranteed. \`"> 1%"\` is the plain limit that other tools have: the rate over the last \`window\`, with at least \`minRequests\` and \`minEvents\`, broken in \`breaches\` looks in a row. More keys, for plain limits alone like those four, say how many looks may fail in all (\`failures\`), can't tell (\`inconclusive\`) or have nothing to read (\`sourceErrors\`), and how many must be good before it passes (\`successes\`).

Without \`guards\` these are in force while the traffic is split: errors at \`1.5x\` and p95 at \`1.15x\` of stable's, and more than 2 restarts, each a rollback; at 100%, where there is no stable to compare with, errors of 1%. What you write is laid over them, level by level, and so are a part of the life (\`before\`, \`during\`, \`after\`), a phase's guards and a step's over what is wider; \`off\` takes a metric or a level away. A level that can't be measured leaves the wider one in force: at 100% \`1.5x\` gives way to what stands around it, in the end to the 1% of errors. A limit that could never be measured anywhere is a mistake.

Once all traffic is the new version's there is no stable beside it. \`1.5x\` in \`after\`, or in the guards of the shift to 100% itself, is held against what stable did in the quarter of an hour before the switch: \`p95: { rollback: 1.02x }\` allows a degradation of 2%. That is a limit of the new version's own, and the time of day is part of it. \`compare: day-before\` or \`week-before\` beside such limits holds them against the same half hour of that day instead. What the service promises for months goes on being judged then: \`slo\` is that objective, and what counts is how fast the budget of what may fail is burnt.

\`features\` of errors, availability and latencies are guards of their own, about the requests that \`only\` lets through: what few visitors do and many depend on is lost among all requests. Where the data plane tells visitors apart, their comparisons count those, as all do.

Any other name is a figure of your own: \`carts: { prometheus: 'sum(rate(carts_total{version="\${version}"}[1m]))', hold: 0.9x }\` asks a source from outside, once for each version where it is held against stable ([metrics.md](metrics.md)).

A missing figure is never a pass: without data a step waits.`,
      example: `guards:
  errors:
    warn: 0.5%
    rollback: 1%
    features:
      checkout: { only: { route: /checkout, method: POST }, rollback: [2%, 2x] }
  p95: { warn: 1s, rollback: [3s, 1.5x] }
  memory: { warn: 70%, rollback: 90% }
  restarts: off
  before: { cpu: { hold: 80% } }
  during: { errors: { rollback: 0.1% } }
  after: { errors: { rollback: 1%, slo: 0.1% } }`,
    },
  },
);
