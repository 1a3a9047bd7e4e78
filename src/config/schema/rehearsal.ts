import { z } from "zod";
import { knowing } from "./about.ts";
import { environment, filePath, requestPath, yesOrNo } from "./values.ts";

/** What a rehearsal does otherwise than a release. */
export const rehearsal = knowing(
  z.strictObject({
    env: environment
      .prefault({})
      .describe(
        "Over what each service gets in its environment: the address of another cache, a switch that keeps mails from being sent. `${NAME}` takes a value from the environment in which Tidegate rehearses.",
      ),
    workers: yesOrNo()
      .prefault(false)
      .describe("`true`: services without a route are started too, because they take no work that is production's."),
    paths: knowing(z.array(requestPath("/items")).prefault([]), {
      noun: "a list of paths",
      like: "[/, /items]",
    }).describe("What is asked (GET) besides the health path, the pages that are warmed and those of smoke tests."),
    requests: filePath("rehearsal/requests.har")
      .optional()
      .describe("Recorded requests that are sent instead (see [rehearsal.md](rehearsal.md))."),
  }),
  {
    noun: "an object",
    section: {
      title: "Rehearsal",
      intro: "What `tidegate rehearse` does otherwise than a release (see [rehearsal.md](rehearsal.md)).",
      example: `rehearsal:
  env: { REDIS_URL: "redis://127.0.0.1:6379/9", MAIL: off }
  paths: [/, /items]`,
    },
  },
);
