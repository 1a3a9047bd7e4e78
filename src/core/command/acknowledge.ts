import { newsOf } from "../decide/news.ts";
import type { Act } from "../release/event.ts";
import type { Release } from "../release/release.ts";
import type { Instant } from "../time/time.ts";
import { accept, type CommandAnswer, refuse } from "./command-answer.ts";

/** Somebody looks after everything that lasts: nobody else is called for it. */
export function acknowledge(release: Release, act: Act, now: Instant): CommandAnswer {
  const lasting = newsOf(release, now).filter(({ severity }) => severity !== undefined);
  const open = lasting.filter(({ name }) => release.acknowledged[name] === undefined);
  const [first] = open;
  if (first !== undefined)
    return accept(
      [{ type: "acknowledged", alerts: open.map(({ name }) => name), ...act }],
      `Acknowledged by ${act.by}, and nobody else is called for it: ${first.message.sentence}`,
    );
  const by = lasting.map(({ name }) => release.acknowledged[name]?.by).find((who) => who !== undefined);
  if (by !== undefined) return { kind: "already", sentence: `Acknowledged by ${by} already.` };
  return refuse(
    "nothing-to-acknowledge",
    `Release ${release.id} has nothing that anybody had to be called for.`,
    `tidegate status ${release.id}`,
  );
}
