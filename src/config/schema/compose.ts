import { z } from "zod";
import { knowing } from "./about.ts";
import { filePath, oneOrMore, text } from "./values.ts";

/** Where the compose project of services with `compose:` lies, and where it runs. */
export const compose = knowing(
  z.strictObject({
    file: knowing(oneOrMore(filePath("compose.production.yaml")), { noun: "the path of a file, or a list of them" })
      .optional()
      .describe("The compose file, or a list of them as with `-f`. By default those that compose finds by itself."),
    project: knowing(z.string().regex(/^[a-z0-9][a-z0-9_-]*$/), {
      noun: "the name of a compose project",
      like: "shop",
    })
      .optional()
      .describe(
        "The name of the project, where its databases, caches, networks and volumes are. By default as compose names it: `name:` in the file, `COMPOSE_PROJECT_NAME`, or the folder.",
      ),
    profiles: knowing(z.array(text("a profile", "workers")), { noun: "a list of profiles" })
      .prefault([])
      .describe("Profiles that are on, as with `--profile`; those of `COMPOSE_PROFILES` are on too."),
    envFile: filePath(".env.production")
      .optional()
      .describe("Values for `${NAME}` in the compose file, as with `--env-file`. By default `.env`."),
    context: text("a Docker context", "production")
      .optional()
      .describe("The Docker context whose engine runs the containers. By default the one that docker would take."),
    host: text("the address of a Docker engine", "ssh://deploy@10.0.0.5")
      .optional()
      .describe("The engine's address, as in `DOCKER_HOST`, in place of a context."),
    publish: text("an address", "10.0.0.5")
      .optional()
      .describe(
        "The engine's own address as seen from here, on which instances publish their ports; needed where the engine is on another machine.",
      ),
    set: knowing(
      z.record(knowing(z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*$/), { noun: "a name", like: "TAG" }), z.string()),
      {
        noun: "names and their values",
      },
    )
      .prefault({})
      .describe('Values for `${NAME}` in the compose file, before all others: `{ TAG: "${version}" }`.'),
  }),
  {
    section: {
      title: "Compose",
      intro:
        "Where the compose project lies, for services with `compose:`. Nothing of it is needed where `compose.yaml` lies beside the plan file and the engine runs on this machine. How a release by compose goes: [compose.md](compose.md).",
      example: `compose: { file: compose.production.yaml, context: production }`,
    },
  },
);
