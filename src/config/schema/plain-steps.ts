import { z } from "zod";
import { knowing } from "./about.ts";
import { flows } from "./smoke-flows.ts";
import { stepSiblings } from "./step-siblings.ts";
import { duration, filePath, oneOrMore, requestPath, share, shellLine, text, wholeNumber, yesOrNo } from "./values.ts";

export const check = z
  .strictObject({
    check: filePath("checklists/production.md").describe("A Markdown file with a task list (see checklists.md)."),
    timeout: knowing(duration.optional(), { default: "`10m`" }).describe(
      "How long its machine checks are tried again until they pass.",
    ),
    ...stepSiblings,
  })
  .meta({
    id: "step-check",
    description: "Waits until every item of a checklist is ticked: by its machine check, or by a person.",
  });

export const approve = z
  .strictObject({
    approve: knowing(
      z.union([
        text("a role", "approver"),
        z.strictObject({
          role: text("a role", "approver").describe("Who may approve: a role of `people`."),
          count: wholeNumber(1).prefault(1).describe("How many of them must."),
        }),
      ]),
      { noun: "a role, or an object", like: "approver" },
    ).describe("The role of who may approve (`anyone` for the whole team), or `{ role, count }`."),
    ...stepSiblings,
  })
  .meta({
    id: "step-approve",
    description:
      "Waits for a person's approval. Nobody approves a release of their own, unless the team has one member.",
  });

const quietest = z.strictObject({
  quietest: duration.describe(
    "How many hours in a row, the same every day, with the fewest requests: whole hours of the day, from 1 to 23. They are known once the engine that waits has watched the traffic for a day; until then the step waits, and says so.",
  ),
  zone: text("a time zone", "Europe/Berlin").prefault("UTC").describe("Time zone in which the day is counted."),
});

export const window = z
  .strictObject({
    window: knowing(
      z.union([
        z.literal("quietest"),
        text("a time of week", "Tue-Thu 09:00-16:00 Europe/Berlin"),
        z.array(text()).min(1),
        quietest,
      ]),
      { noun: "`quietest`, a time of week, a list of them, or an object", like: '"Tue-Thu 09:00-16:00 Europe/Berlin"' },
    ).describe(
      'A time of week with its zone (`"Tue-Thu 09:00-16:00 Europe/Berlin"`), a list of them, `quietest` for the three hours in a row of each day (in UTC) in which the least traffic was seen, or `{ quietest: 3h, zone }`.',
    ),
    ...stepSiblings,
  })
  .meta({ id: "step-window", description: "Waits until the time of week has come." });

const nothing = z.null().describe("Nothing: the step is written as its bare name.");

export const start = z.strictObject({ start: nothing, ...stepSiblings }).meta({
  id: "step-start",
  description:
    "Makes the version's folder, starts its services on the idle slot and waits until they are ready. Put in by itself before the first step that needs it.",
});

export const smoke = z
  .strictObject({
    smoke: flows.describe(
      "A file of flows (see smoke-tests.md), a list of files, or requests and flows right here. Without a value: the health path of every service with a route.",
    ),
    ...stepSiblings,
  })
  .meta({
    id: "step-smoke",
    description: "Tells the new version stories, first directly, then through the front door.",
  });

export const warm = z
  .strictObject({
    warm: knowing(
      z.union([
        z.array(requestPath("/")).min(1),
        z.strictObject({
          pages: z.array(requestPath("/")).min(1).describe("The pages to visit."),
          service: text("the name of a service", "web")
            .optional()
            .describe("Whose pages; by default the first service with a route."),
          within: duration.prefault("1s").describe("Warm when every page answers within this time …"),
          rounds: wholeNumber(1).prefault(2).describe("… this many times in a row."),
          until: shellLine().optional().describe("A shell line whose exit code 0 says warm, in place of the time."),
          timeout: duration.prefault("5m").describe("How long it may take to become warm."),
        }),
      ]),
      { noun: "a list of paths, or an object", like: "[/]" },
    ).describe("Pages to visit, or `{ pages, service, within, rounds, until, timeout }`."),
    ...stepSiblings,
  })
  .meta({ id: "step-warm", description: "Visits pages of the new version until they answer quickly." });

export const shift = z
  .strictObject({
    shift: knowing(z.union([share, z.array(share).min(1), z.null()]), {
      noun: "a share, or a list of shares",
      like: "5%",
    }).describe("The new version's share of the traffic. A list is a step for each, all with the same siblings."),
    to: knowing(oneOrMore(share), { noun: "a share, or a list of shares" })
      .optional()
      .describe("The shares, where `shift:` itself has no value."),
    for: duration
      .optional()
      .describe(
        "How long the share is watched before the next step. Without it: until there is enough evidence, at least a minute, at most 10 minutes. A time that has shown too little is waited once more, then `unclear` says what follows.",
      ),
    unclear: knowing(z.enum(["hold", "raise", "step-back"]).optional(), { default: "`hold`" }).describe(
      "What happens when twice the time has neither shown a fault nor excluded one: `hold` until a person decides, `raise` to the next share (never to all), or `step-back` to the share before.",
    ),
    ...stepSiblings,
  })
  .meta({ id: "step-shift", description: "Gives the new version a share of the traffic and watches it." });

export const notify = z
  .strictObject({
    notify: text("a message", "Release begins").describe("The message."),
    to: knowing(oneOrMore(text("a name", "webhook")), { noun: "a name, or a list of names" })
      .optional()
      .describe("Names under `notify:`; by default all."),
    ...stepSiblings,
  })
  .meta({
    id: "step-notify",
    description: "Tells people, and waits for nobody: a message that is not taken is tried again beside the release.",
  });

export const run = z
  .strictObject({
    run: shellLine("./purge-cdn.sh").describe("A shell line, run in the plan file's folder; it must end with 0."),
    undo: shellLine().optional().describe("The shell line that takes it back; run when the release is rolled back."),
    repeat: z
      .enum(["safe", "ask"])
      .prefault("ask")
      .describe("After a crash in its middle: `ask` a person whether it may run again, or `safe`: run it again."),
    timeout: duration.prefault("10m").describe("How long it may take."),
    rehearse: yesOrNo()
      .prefault(false)
      .describe(
        "`true`: `tidegate rehearse` runs it too, because it does nothing beyond its own version and database.",
      ),
    ...stepSiblings,
  })
  .meta({ id: "step-run", description: "Runs a command." });

export const retire = z.strictObject({ retire: nothing, ...stepSiblings }).meta({
  id: "step-retire",
  description: "Drains and stops the old version. Until then a rollback takes less than a second; after it, a start.",
});

export const backup = z
  .strictObject({
    backup: z
      .enum(["decode", "restore", "drill"])
      .describe(
        "How it is proven before anything changes: `decode` reads every byte of it, `restore` also restores it beside the database and compares, `drill` also runs the version's migrations there, takes them back and runs them again.",
      ),
    ...stepSiblings,
  })
  .meta({ id: "step-backup", description: "Makes a backup of the database, and proves it." });

export const migrate = z
  .strictObject({
    migrate: z
      .enum(["expand", "backfill", "contract", "all"])
      .describe(
        "Which of the version's pending migrations: those that only add (`expand`), those that fill what was added (`backfill`), those that take away what the old version needed (`contract`, the point of no return), or `all` but those, which then may not be pending before `retire`.",
      ),
    ...stepSiblings,
  })
  .meta({
    id: "step-migrate",
    description: "Runs migrations of the version. A rollback takes them back where nothing is lost by it.",
  });
