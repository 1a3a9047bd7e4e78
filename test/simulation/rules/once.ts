import { type Ledger, readInto } from "./ledger.ts";
import type { Rule } from "./rule.ts";

/** Commands are anybody's: whether doing one twice is harmless only the plan knows. */
export const once: Rule = {
  name: "once",
  sentence: "Nothing is done twice that was not said to be harmless; nothing that is done is asked for again",
  begin: (broken) => {
    const ledger: Ledger = new Map();
    /** Keys of commands that began, by release. */
    const begun = new Map<string, number>();
    return (fact) => {
      if (fact.kind === "appended") {
        const entry = ledger.get(fact.release);
        for (const { event } of fact.events) {
          if (
            event.type === "effect-requested" &&
            entry?.effects.get(event.key)?.state === "confirmed" &&
            event.effect.kind !== "share" &&
            event.effect.kind !== "notify"
          )
            broken(`Release ${fact.release}: ${event.key} is done, and asked for again.`);
          if (event.type === "effect-confirmed" && entry?.effects.get(event.key) === undefined)
            broken(`Release ${fact.release}: ${event.key} counts as done, and was never asked for.`);
          if (event.type === "retried")
            for (const key of begun.keys()) if (key.startsWith(`${fact.release}/`)) begun.delete(key);
        }
      }
      readInto(ledger, fact);
      if (fact.kind !== "command" || fact.what !== "begun") return;
      const entry = ledger.get(fact.release);
      const open = [...(entry?.effects ?? [])].find(
        ([, { effect, state }]) => state === "open" && effect.kind === "command" && effect.command === fact.command,
      );
      if (entry === undefined || open === undefined) return;
      const [key, { within }] = open;
      const step = within.kind === "step" ? entry.planned.plan.steps.find(({ id }) => id === within.step) : undefined;
      const times = (begun.get(key) ?? 0) + 1;
      begun.set(key, times);
      if (step?.kind === "run" && step.repeat === "ask" && times > 1)
        broken(`Release ${fact.release}: "${fact.command}" is run a second time, and nobody was asked.`);
    };
  },
};
