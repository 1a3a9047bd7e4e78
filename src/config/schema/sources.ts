import { z } from "zod";
import { parseSourceLimit, SOURCE_LIMIT_FIX, type WrittenLimit } from "../../core/plan/source-limit.ts";
import { knowing } from "./about.ts";
import { limitsBy, OFF } from "./limits.ts";
import { duration, filePath, oneOrMore, shellLine, text, wholeNumber, yesOrNo } from "./values.ts";

const address = (like: string) =>
  knowing(z.string().regex(/^([a-z][a-z0-9+]*:\/\/\S+|\$\{[A-Za-z_][A-Za-z0-9_]*\}\S*)$/), {
    noun: "an address",
    like,
  });

const letIn = {
  headers: knowing(z.record(text("the name of a header", "x-scope-orgid"), text("its value", "shop")), {
    noun: "names of headers and their values",
    like: "{ x-scope-orgid: shop }",
  })
    .optional()
    .describe("Headers of each request. One that is a secret is written as `${NAME}`."),
  bearer: text("a token", "${METRICS_TOKEN}").optional().describe("A token, as `${NAME}`: `authorization: Bearer …`."),
  basic: knowing(
    z.strictObject({
      user: text("a user's name", "tidegate").describe("Its name."),
      password: text("a password", "${METRICS_PASSWORD}").describe("Its password, as `${NAME}`."),
    }),
    { noun: "a user and a password", like: "{ user: tidegate, password: ${METRICS_PASSWORD} }" },
  )
    .optional()
    .describe("A user and a password (basic authentication)."),
  ca: filePath("certificates/internal.pem")
    .optional()
    .describe("A file of certificates (PEM) to trust instead of the machine's own."),
};

function endpoint(like: string) {
  return knowing(z.union([address(like), z.strictObject({ url: address(like).describe("Its address."), ...letIn })]), {
    noun: "an address, or an object with `url`",
    like,
  });
}

function database(like: string) {
  return knowing(
    z.union([address(like), z.strictObject({ url: address(like).describe("Its address."), ca: letIn.ca })]),
    { noun: "an address, or an object with `url`", like },
  );
}

/** Where the figures of guards come from, by kind. */
export const metricsConfig = knowing(
  z.strictObject({
    prometheus: endpoint("http://prometheus.internal:9090")
      .optional()
      .describe(
        "The Prometheus that guards with `prometheus` ask, or what speaks its API (Thanos, Mimir, VictoriaMetrics).",
      ),
    redis: database("${REDIS_URL}")
      .optional()
      .describe("The Redis that guards with `redis` ask: `redis://`, `rediss://` or `unix://`."),
    postgres: database("${DATABASE_URL}")
      .optional()
      .describe("The PostgreSQL that guards with `postgres` ask: `postgres://`."),
  }),
  {
    section: {
      title: "Metrics",
      intro:
        "Where figures come from that Tidegate does not measure itself (see [metrics.md](metrics.md)). An address alone, or an object with `url` and how to be let in. Tokens and passwords are written as `${NAME}`, so that they are in no plan and no journal.",
      example: `metrics:
  prometheus: { url: "https://prometheus.internal", bearer: "\${METRICS_TOKEN}", ca: certificates/internal.pem }`,
    },
  },
);

const prometheus = knowing(
  z.union([
    text("a query", 'sum(rate(carts_total{version="${version}"}[1m]))'),
    z.strictObject({
      query: text("a query", 'sum(rate(carts_total{version="${version}"}[1m]))').describe("In PromQL."),
      over: duration.optional().describe("Asks for this span instead of the moment (a range query)."),
      step: duration
        .optional()
        .describe("How far its points are apart; by default a sixtieth of the span, 1s at the least."),
      take: knowing(z.enum(["last", "mean", "max", "min"]).optional(), { default: "`mean`" }).describe(
        "What is made of its points.",
      ),
    }),
  ]),
  { noun: "a query, or an object with `query`", like: "'sum(rate(carts_total{version=\"${version}\"}[1m]))'" },
);

const web = endpoint("https://shop.internal/stats?version=${version}");

const command = knowing(z.union([shellLine("bin/failed-jobs"), z.array(z.string()).min(1)]), {
  noun: "a shell line, or a program and its arguments",
  like: '[bin/failed-jobs, "${version}"]',
});

const log = text("a pattern", "CRITICAL|panic");

const redis = z.enum(["hit-rate", "memory", "clients", "evictions"]);

const figureOfPostgres = z.enum(["connections", "slow-queries", "longest-transaction", "blocked", "replication-lag"]);
const postgres = knowing(
  z.union([
    figureOfPostgres,
    z.strictObject({
      figure: figureOfPostgres
        .optional()
        .describe(
          "`connections`: the part of those that it lets in; `slow-queries`: how many have run for longer than `slow`; `longest-transaction`: for how long the oldest open one has been open; `blocked`: how many wait for a lock that another one has; `replication-lag`: how far the slowest replica is behind.",
        ),
      query: text("SQL", "SELECT count(*) FROM jobs WHERE failed")
        .optional()
        .describe("In place of `figure`: SQL that gives one number. It can only read."),
      slow: knowing(duration.optional(), { default: "`1s`" }).describe("From when on a query is slow."),
      application: text("an application_name", "web-${version}")
        .optional()
        .describe("Sessions with this `application_name` alone: so a version's own can be told apart."),
    }),
  ]),
  { noun: "a figure, or an object with `figure` or `query`", like: "connections" },
);

/** The keys that say where a figure comes from: one of them. */
export const SOURCE_KEYS = ["prometheus", "http", "command", "log", "redis", "postgres"] as const;

const limits = limitsBy<WrittenLimit>("limit-source", parseSourceLimit, { noun: "a limit", like: SOURCE_LIMIT_FIX });

const OF_REQUESTS = (key: string) => ({
  what: `\`${key}\` is for what Tidegate counts itself: requests, one by one.`,
  fix: "Remove it. Of a figure from outside `breaches`, `failures` and `successes` say how many looks it takes.",
});

const terms = {
  warn: limits.optional().describe("Tell people."),
  hold: limits.optional().describe("Don't go on while it is broken."),
  rollback: limits.optional().describe("Put the old version back (or what the step's `else` says)."),
  every: knowing(duration.optional(), { default: "`15s` of Prometheus, else `10s`" }).describe(
    "How often the source is asked. A look is one answer.",
  ),
  timeout: knowing(duration.optional(), { default: "`5s`" }).describe("What an answer may take."),
  unit: text("a unit", "/s")
    .optional()
    .describe(
      "How the source tells its figure: `share` (0 to 1), `percent`, `ms`, `s`, `bytes`, or a text of your own that is shown behind it. By default what the limits are written in.",
    ),
  worse: z
    .enum(["higher", "lower"])
    .optional()
    .describe('Which way is worse, where no limit says it: `0.9x` and `"< 5"` say lower; by default higher.'),
  service: text("the name of a service", "web")
    .optional()
    .describe(
      "What `${service}` stands for, by default the first service with a route; and whose logs are read, by default all.",
    ),
  window: knowing(duration.optional(), { default: "the newest figure alone; `1m` of logs" }).describe(
    "Limits are held against the mean of the last so long.",
  ),
  breaches: knowing(wholeNumber(1).optional(), { default: "`3`" }).describe("Broken looks in a row before it speaks."),
  failures: wholeNumber(1)
    .optional()
    .describe("Broken looks in the whole step, in a row or not, with which it speaks too, for the rest of the step."),
  inconclusive: wholeNumber(1)
    .optional()
    .describe(
      "Looks in a row without data, after which the step's `unclear` says what follows; by default its time decides.",
    ),
  sourceErrors: wholeNumber(1)
    .optional()
    .describe(
      "Looks in a row in which the source can't be asked, after which the step holds and tells people; never a failure of the new version.",
    ),
  successes: knowing(wholeNumber(1).optional(), { default: "`1`" }).describe("Good looks in a row before it passes."),
  delay: knowing(duration.optional(), { default: "`0s`" }).describe(
    "Watched time from the step's beginning in which it is not looked at, for versions that need to warm up.",
  ),
  to: oneOrMore(text("the name of a receiver", "database"))
    .optional()
    .describe(
      "Who hears of it: names under `notify:`. They alone are told of a warning; of a hold and a rollback they are told beside whoever else is.",
    ),
  dryRun: yesOrNo().optional().describe("`true`: try it out. It is judged and told, and nothing follows from it."),
};

/** A guard with a name of the user's own, whose figure comes from outside. */
export const sourceGuard = knowing(
  z.union([
    z.literal(OFF),
    knowing(
      z
        .strictObject({
          prometheus: prometheus.optional().describe("A query in PromQL that gives one number."),
          http: web.optional().describe("An address that answers with JSON; `select` says which number of it."),
          command: command
            .optional()
            .describe(
              "A program that prints a number on its last line, or JSON (see `select`): a line for the shell, or a list of it and its arguments. It runs in the plan file's folder and has TIDEGATE_VERSION and TIDEGATE_SLOT.",
            ),
          log: log
            .optional()
            .describe("A regular expression: lines like it in the logs of the version's instances, a minute."),
          redis: redis
            .optional()
            .describe(
              "`hit-rate`: the part of the look-ups that found something; `memory`: of what it may use; `clients`; `evictions` a second.",
            ),
          postgres: postgres.optional().describe("What PostgreSQL says of itself, or one number by a query."),
          select: text("a JMESPath", "queues.failed")
            .optional()
            .describe("Of `http` and `command`: which number of the JSON, in [JMESPath](https://jmespath.org)."),
          ...terms,
        })
        .meta({ id: "source-guard" }),
      {
        elsewhere: {
          sql: {
            what: "`sql` is no source by itself.",
            fix: "Write `postgres: { query: … }`, with its address under `metrics:`.",
          },
          ...Object.fromEntries(
            ["features", "only", "compare", "promote", "slo", "weight", "minRequests", "minEvents"].map((key) => [
              key,
              OF_REQUESTS(key),
            ]),
          ),
        },
      },
    ),
  ]),
  {
    noun: "an object with a source and its limits, or `off`",
    like: "{ prometheus: 'sum(rate(carts_total{version=\"${version}\"}[1m]))', hold: 0.9x }",
  },
);

/** What is written of a guard with a source, read. */
export type SourceGuardConfig = Exclude<z.output<typeof sourceGuard>, typeof OFF>;
