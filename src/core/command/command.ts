import { acknowledge } from "./acknowledge.ts";
import { accept, type CommandAnswer, refuse } from "./command-answer.ts";
import type { Act } from "../release/event.ts";
import { promote, skip, stepBack } from "./moving-on.ts";
import { currentStep, isEnded, type Release } from "../release/release.ts";
import { approve, type Person, tick } from "./sign-off.ts";
import type { Instant } from "../time/time.ts";
import { insteadOfBack, noWayBack, rollbackSentence } from "../decide/way-back.ts";

/** What a person asks of a release. `planHash` and `step` bind it to what they saw: where that has changed since, it is refused. */
export type Command =
  | { readonly kind: "approve"; readonly step?: string; readonly planHash?: string }
  | { readonly kind: "tick"; readonly item: string; readonly step?: string }
  | { readonly kind: "promote"; readonly step?: string; readonly skip?: string }
  | { readonly kind: "pause" }
  | { readonly kind: "resume" }
  | { readonly kind: "step-back"; readonly step?: string }
  | { readonly kind: "rollback"; readonly superseded?: boolean }
  | { readonly kind: "retry" }
  /** To look after what people were called for. */
  | { readonly kind: "acknowledge" }
  /** Asked by a newer release that needs the slot, never by a person. */
  | { readonly kind: "retire-early"; readonly for: number };

/** The events that follow from a person's command at `now` (wall time), or why not. Pure; the same rules in CLI and API. */
export function command(
  release: Release,
  asked: Command,
  person: Person,
  reason: string | undefined,
  now: Instant,
): CommandAnswer {
  const act: Act = { by: person.name, ...(reason === undefined ? {} : { reason }) };
  // What people are called for lasts longer than the release does.
  if (asked.kind === "acknowledge") return acknowledge(release, act, now);
  if (
    isEnded(release) &&
    !(asked.kind === "rollback" && release.state === "closed") &&
    asked.kind !== "retry" &&
    asked.kind !== "retire-early"
  ) {
    return ended(release, asked);
  }
  if (release.undo !== null && asked.kind !== "retry") {
    if (asked.kind === "rollback")
      return { kind: "already", sentence: `Release ${release.id} is being rolled back already.` };
    return refuse(
      "release-rolling-back",
      `Release ${release.id} is being rolled back; that can't be stopped.`,
      `tidegate status ${release.id} --follow`,
    );
  }
  switch (asked.kind) {
    case "approve":
      return approve(release, asked, person, act, now);
    case "tick":
      return tick(release, asked, person, act);
    case "promote":
      return asked.skip === undefined ? promote(release, asked.step, act) : skip(release, asked.skip, act);
    case "pause":
      if (release.paused !== null) return { kind: "already", sentence: `Paused by ${release.paused.by} already.` };
      return accept(
        [{ type: "paused", ...act }],
        "Paused: it stays where it is until resumed; guards go on watching and can still roll it back.",
      );
    case "resume":
      if (release.paused === null) return { kind: "already", sentence: "It is not paused." };
      return accept([{ type: "resumed", ...act }], "Resumed.");
    case "step-back":
      return stepBack(release, asked.step, act);
    case "rollback":
      return rollback(release, asked, act);
    case "retry":
      return retry(release, act);
    case "retire-early":
      return retireEarly(release, asked.for);
  }
}

function ended({ id, state, stable }: Release, { kind }: Command): CommandAnswer {
  if (kind === "rollback" && state === "rolled-back") {
    // What serves today may be another release's doing.
    const on = stable === null ? "nothing served before it" : `all traffic went to ${stable.label}`;
    // Going back further takes down what serves now: nobody may get that by asking twice.
    return { kind: "already", sentence: `Release ${id} was rolled back already: ${on}.` };
  }
  if (state === "failed")
    return refuse("release-ended", `Release ${id} has failed: it can only be tried again.`, `tidegate retry ${id}`);
  return refuse("release-ended", `Release ${id} is ${state.replace("-", " ")}: there is nothing to ${kind}.`);
}

function rollback(release: Release, asked: Extract<Command, { kind: "rollback" }>, act: Act): CommandAnswer {
  const why = act.reason === undefined ? "" : `: ${act.reason}`;
  const because = {
    kind: asked.superseded === true ? "superseded" : "person",
    sentence:
      asked.superseded === true
        ? `Superseded by ${act.by}${why}.`
        : `Rolled back by ${act.by}${why || ", who gave no reason"}.`,
  } as const;
  const ended = noWayBack(release);
  if (ended !== null) return refuse("no-way-back", ended, insteadOfBack(release));
  return accept([{ type: "rollback-decided", because, by: act.by }], rollbackSentence(release));
}

/** Asked once more where it has failed: a newer release must not wait for ever for one that can't be stopped at first. */
function retireEarly(release: Release, next: number): CommandAnswer {
  const hasFailed = Object.values(release.earlyRetirement ?? {}).some(({ state }) => state === "failed");
  if (release.followedBy === next && (release.standbyRetired || !hasFailed))
    return { kind: "already", sentence: "The standby is retired already." };
  return accept(
    [{ type: "retirement-brought-forward", for: next }],
    `Retiring the standby now: release ${next} takes its place.`,
  );
}

function retry(release: Release, act: Act): CommandAnswer {
  const current = currentStep(release);
  if (release.state === "closed" || release.state === "rolled-back")
    return refuse(
      "release-ended",
      `Release ${release.id} is ${release.state.replace("-", " ")}: there is nothing to retry.`,
      release.state === "closed"
        ? "tidegate release starts a new one"
        : `tidegate release ${release.candidate.label} begins anew with that version`,
    );
  if (release.undo !== null && release.state !== "failed")
    return { kind: "already", sentence: `Release ${release.id} is being rolled back, and goes on by itself.` };
  const step = current?.step.id ?? release.plan.steps.at(-1)?.id ?? "";
  if (release.state !== "failed" && release.hold === null && current?.progress.state !== "failed")
    return refuse("nothing-to-retry", "Nothing has failed and nothing is held.");
  return accept(
    [{ type: "retried", step, ...act }],
    release.undo === null ? `Trying "${current?.step.name ?? step}" again.` : "Going on with the rollback.",
  );
}
