import { z } from "zod";
import { knowing } from "./about.ts";
import { NOT_BUILT_SERVICE_KEYS } from "./not-built.ts";
import { systemd } from "./systemd.ts";
import {
  duration,
  environment,
  filePath,
  oneOrMore,
  requestPath,
  shellLine,
  text,
  wholeNumber,
  yesOrNo,
} from "./values.ts";

/** A typing mistake must not bring a machine down. */
const MOST_REPLICAS = 100;

const healthObject = knowing(
  z.strictObject({
    ready: requestPath("/health/ready").describe(
      "Asked before an instance gets traffic, and all the time after. Any 2xx answer is good; redirects are not followed.",
    ),
    live: requestPath("/health/live")
      .optional()
      .describe(
        "Asked to find out whether an instance hangs; one that fails is restarted. One that has not answered well yet may still be starting: it has until `startWithin`.",
      ),
    depends: requestPath("/health/deps")
      .optional()
      .describe("What the service depends on. Its answer is shown, and never acted on alone."),
    every: duration.prefault("10s").describe("How often each instance is asked."),
    timeout: knowing(duration.optional(), { default: "`5s`, or `every` where that is less" }).describe(
      "How long an answer may take.",
    ),
    rise: wholeNumber(1).prefault(2).describe("Good answers in a row before an instance counts as ready."),
    fall: wholeNumber(1).prefault(3).describe("Bad answers in a row before it no longer does."),
    delay: duration.prefault("0s").describe("Time after the start in which bad answers don't count."),
  }),
  {
    section: {
      title: "Health",
      intro:
        "`health: /health` is short for `health: { ready: /health }`. Without `health`, an instance counts as ready when its process lives and its port accepts connections; a worker, which takes none, when its process has lived for two seconds.",
      example: `health: { live: /health/live, ready: /health/ready, depends: /health/deps, every: 10s, timeout: 5s }`,
    },
  },
);

export const service = knowing(
  z.strictObject({
    compose: text("a service of the compose file", "web")
      .optional()
      .describe(
        "The service of the compose file whose containers are released; the file stays as it is (see Compose). In place of `run`.",
      ),
    run: shellLine("node server.js --port ${port}")
      .optional()
      .describe(
        "The shell line that starts one instance. `${port}` is the port that it must listen on (also in `PORT`); `${version}`, `${dir}` and `${slot}` are filled in too.",
      ),
    systemd: systemd
      .optional()
      .describe(
        "`true`, or an object (see systemd): systemd runs the instances of a service with `run`, in place of Tidegate's keeper.",
      ),
    build: shellLine()
      .optional()
      .describe("The shell line that builds the version, once, in its own folder: a git worktree of the version."),
    prepare: shellLine()
      .optional()
      .describe(
        "Makes the version's folder `${dir}` by itself, in place of the git worktree. `${version}` is filled in.",
      ),
    directory: knowing(text("a folder", "packages/web").optional(), { default: "`.`" }).describe(
      "Folder of the service inside the version's folder; `build` and `run` start there.",
    ),
    files: knowing(z.array(filePath(".env")), { noun: "a list of files" })
      .optional()
      .describe(
        "Files that are copied from the plan file's folder into the version's folder, such as an `.env` that is not in git.",
      ),
    image: text("an image", "registry.example.com/shop:${version}")
      .optional()
      .describe(
        "With `compose`: the image, in place of the compose file's `image` and `build`. `${version}` is filled in, and a version is then what the registry calls it; git need know nothing.",
      ),
    port: wholeNumber(1, 65_535)
      .optional()
      .describe(
        "With `compose`: where the container takes requests. By default the only port that the compose file or the image names.",
      ),
    replicas: knowing(wholeNumber(1, MOST_REPLICAS).optional(), {
      default: "`1`; with `compose` as many as the compose file says",
    }).describe(
      `How many instances run of each version, ${MOST_REPLICAS} at most: all of them run on one machine, twice as many while a release runs.`,
    ),
    route: knowing(oneOrMore(text("a route", "shop.example.com/")), { noun: "a route or a list of routes" })
      .optional()
      .describe(
        "Which requests the service gets: `host/path` or `/path`, or a list of them; the longest path wins. A service without a route is a worker. The only service of a plan with `traffic` gets `/` by itself.",
      ),
    health: knowing(z.union([requestPath("/health"), healthObject]), { noun: "a path or an object" })
      .optional()
      .describe("How to find out whether an instance is well: one path, or an object (see Health)."),
    env: environment
      .prefault({})
      .describe(
        "Added to the instance's environment. `${NAME}` takes a value from the environment in which Tidegate runs; the value itself is never written anywhere.",
      ),
    overlap: yesOrNo()
      .prefault(false)
      .describe(
        "Workers only: the old and the new version may both run from the first shift on. Otherwise the new one takes over at 100%.",
      ),
    startWithin: duration
      .prefault("60s")
      .describe("From the start of the process to its being ready; longer is a failed start."),
    drain: duration.prefault("30s").describe("How long requests in flight get before an instance is told to stop."),
    stopWithin: knowing(duration.optional(), {
      default: "`10s`; with `compose` the compose file's `stop_grace_period`",
    }).describe("From SIGTERM to SIGKILL."),
  }),
  {
    notBuilt: NOT_BUILT_SERVICE_KEYS,
    section: {
      title: "Services",
      intro:
        "The parts of the app that have processes of their own, each under its name. A release moves all of them together.",
      example: `services:
  web:
    build: npm ci
    run: node server.js --port \${port}
    replicas: 2
    route: shop.example.com/
    health: /health
    files: [.env]
    env: { DATABASE_URL: "\${DATABASE_URL}" }
  worker:
    run: node worker.js`,
    },
  },
);
