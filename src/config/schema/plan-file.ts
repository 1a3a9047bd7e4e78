import { z } from "zod";
import { knowing } from "./about.ts";
import { compose } from "./compose.ts";
import { database } from "./database.ts";
import { planGuards } from "./guards.ts";
import { metricsConfig } from "./sources.ts";
import { NOT_BUILT_TOP_KEYS } from "./not-built.ts";
import { notify, page } from "./receivers.ts";
import { rehearsal } from "./rehearsal.ts";
import { service } from "./service.ts";
import { probes } from "./smoke-flows.ts";
import { step } from "./steps.ts";
import { traffic } from "./traffic.ts";
import { duration, name, oneOrMore, text, wholeNumber, yesOrNo } from "./values.ts";

/** The whole plan file, its overlays laid over it. From here come types, validation, JSON Schema and reference. */
export const planFile = knowing(
  z.strictObject({
    app: name("a short name of small letters, digits and `-`", "shop").describe(
      "What is released. One release of an app and environment runs at a time.",
    ),
    services: knowing(z.record(name("a short name of small letters, digits and `-`", "web"), service), {
      noun: "names and their services",
    }).describe("The parts of the app that have processes of their own, by name (see Services)."),
    compose: compose.optional().describe("Where the compose project lies and runs (see Compose)."),
    traffic: traffic
      .optional()
      .describe("Who splits the traffic (see Traffic). Needed as soon as a service has a route."),
    database: database.optional().describe("The app's database (see Database)."),
    guards: planGuards.optional().describe("Metrics and their limits (see Guards)."),
    metrics: metricsConfig
      .optional()
      .describe("Where figures come from that guards ask for by a name of yours (see Metrics)."),
    probes: probes
      .optional()
      .describe(
        "With little traffic: smoke flows that are told to both versions in a rhythm while a share is judged, as evidence of their own beside what users see (see judge.md).",
      ),
    twin: yesOrNo()
      .prefault(false)
      .describe(
        "`true`: while the candidate has less than 100%, as many fresh instances of the stable version are started beside it, get as much of the traffic, and are what it is compared with: for an app whose instances are slow at first. Limits of their own (`1%`, `3s`) are not touched by it. It stands here, and not at a share, because a release is compared with one and the same thing from its first share to its last (see judge.md).",
      ),
    rehearsal: rehearsal.optional().describe("What a rehearsal does otherwise than a release (see Rehearsal)."),
    notify: notify.prefault({}).describe("Who is told (see Notify)."),
    page: page.optional().describe("Who is called when a person is needed (see Page)."),
    people: knowing(z.record(text("a person's name", "alice"), oneOrMore(text("a role", "approver"))), {
      noun: "names and their roles",
    })
      .prefault({})
      .describe(
        "Who has which roles: `{ alice: [approver, release-manager], bob: qa }`. A person is the OS user or `TIDEGATE_USER`. Without it the team has one member, who may do everything.",
      ),
    automaticRollback: yesOrNo()
      .prefault(true)
      .describe("`false`: what would roll back holds instead, until a person decides."),
    budget: duration
      .prefault("5m")
      .describe("What a whole deployment may take, the time of its holds apart. More is told."),
    keepVersions: wholeNumber(1).prefault(3).describe("How many prepared old versions stay on disk."),
    patrol: duration.prefault("5m").describe("How often `tidegate serve` checks the app's health outside releases."),
    steps: knowing(z.array(step).min(1), { noun: "a list of steps" })
      .optional()
      .describe("What a release does, in order (see Steps). By default: start, smoke, shift 5%, 25%, 100%, retire."),
  }),
  { notBuilt: NOT_BUILT_TOP_KEYS },
);

/** What people write, in TypeScript: `tidegate.config.ts`. */
export type PlanFile = z.input<typeof planFile>;

/** What was written, read: durations in milliseconds, shares in basis points, short forms made long. */
export type PlanConfig = z.output<typeof planFile>;
