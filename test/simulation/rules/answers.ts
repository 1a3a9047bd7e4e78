import type { EventType } from "../../../src/core/release/event.ts";
import type { Rule } from "./rule.ts";

/** By which event a command that was taken must be found in the journal. */
const WRITES: Readonly<Record<string, EventType | null>> = {
  approve: "approved",
  tick: "item-ticked",
  promote: "promoted",
  pause: "paused",
  resume: "resumed",
  "step-back": "stepped-back",
  rollback: "rollback-decided",
  retry: "retried",
  "retire-early": null,
};

/** What people ask is neither lost nor done twice. */
export const answers: Rule = {
  name: "asked",
  sentence: "Everything that people ask is answered once, and done when it was said to be",
  begin: (broken) => {
    const open = new Map<number, { kind: string; release: number | null; person: string; skip: boolean }>();
    /** By release and type of event: how many there are, less those that answers account for. */
    const written = new Map<string, number>();
    const begun = new Map<number, number>();
    return (fact) => {
      if (fact.kind === "asked") {
        const { body } = fact;
        const kind = body.kind === "release" ? "release" : body.command.kind;
        open.set(fact.request, {
          kind,
          release: fact.release,
          person: fact.person,
          skip: body.kind === "command" && body.command.kind === "promote" && body.command.skip !== undefined,
        });
      }
      if (fact.kind === "appended") {
        for (const { event } of fact.events) {
          const key = `${fact.release}/${event.type}`;
          written.set(key, (written.get(key) ?? 0) + 1);
          if (event.type !== "planned" || event.request === undefined) continue;
          begun.set(event.request, (begun.get(event.request) ?? 0) + 1);
          if ((begun.get(event.request) ?? 0) > 1)
            broken(`Request ${event.request} began a second release, ${fact.release}.`);
        }
      }
      if (fact.kind === "answered") {
        const asked = open.get(fact.request);
        if (asked === undefined) return broken(`Request ${fact.request} is answered twice.`);
        open.delete(fact.request);
        if (
          fact.answer.kind === "refused" &&
          (fact.answer.fault.code === "request-failed" || fact.answer.fault.what === "")
        )
          broken(
            `Request ${fact.request} (${asked.kind}) is refused without a reason that helps: ${fact.answer.fault.cause ?? ""}`,
          );
        if (fact.answer.kind === "refused" && asked.kind === "release" && begun.has(fact.request))
          broken(`Request ${fact.request} is refused, and its release has begun.`);
        if (fact.answer.kind !== "accepted") return;
        if (asked.kind === "release") {
          if (begun.get(fact.request) === undefined)
            broken(`Request ${fact.request} is said to have begun release ${fact.answer.release}, and has not.`);
          return;
        }
        const type = asked.skip ? "step-skipped" : WRITES[asked.kind];
        if (type !== null && type !== undefined && (written.get(`${fact.answer.release}/${type}`) ?? 0) === 0)
          broken(`Request ${fact.request} (${asked.kind}) is said to be done, and the journal knows nothing of it.`);
      }
      if (fact.kind === "ended" && fact.quiet)
        for (const [request, { kind }] of open) broken(`Request ${request} (${kind}) was never answered.`);
    };
  },
};
