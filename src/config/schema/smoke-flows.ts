import { z } from "zod";
import { knowing } from "./about.ts";
import { smokeFlow, smokeRequest } from "./smoke.ts";
import { duration, filePath } from "./values.ts";

/** Smoke flows wherever a plan names some. */
export const flows = knowing(
  z.union([
    z.null(),
    filePath("smoke/critical.yaml"),
    z.array(z.union([filePath("smoke/critical.yaml"), smokeRequest])).min(1),
    z.record(z.string(), smokeFlow),
  ]),
  { noun: "a file, a list of files or of requests, or flows", like: "smoke/critical.yaml" },
);

/** Smoke flows told to both versions while a share is judged. */
export const probes = knowing(
  z.strictObject({
    smoke: flows.describe(
      "What is told, written as in a `smoke` step. Each flow runs on one instance of either version, without its `attempts`.",
    ),
    every: duration.prefault("5s").describe("How often all of it is told; at least `1s`."),
  }),
  { noun: "flows and how often they are told", like: "{ smoke: smoke/critical.yaml, every: 5s }" },
);
