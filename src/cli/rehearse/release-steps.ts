import type { Plan } from "../../core/plan/plan.ts";
import type { Step } from "../../core/plan/step.ts";
import { leastHoldMs } from "../../core/plan/hold-time.ts";
import type { RehearsedStep } from "../../core/rehearsal/rehearsal.ts";
import { currentStep, type Release, type StepProgress } from "../../core/release/release.ts";
import { effectWords } from "../../core/status/effect-words.ts";
import type { Status } from "../../core/status/status.ts";
import { formatDuration } from "../../core/time/time.ts";

/** Tells each step of a release once, as soon as it is over. `plan`: as production would run it. */
export function releaseSteps(
  plan: Plan,
  add: (step: RehearsedStep) => void,
): { readonly look: (release: Release) => void; readonly end: (release: Release) => void } {
  const told = new Set<string>();
  const tell = (release: Release, also: (progress: StepProgress) => boolean): void => {
    for (const [index, progress] of release.steps.entries()) {
      const step = release.plan.steps[index];
      if (step === undefined || told.has(step.id)) continue;
      if (progress.state !== "passed" && progress.state !== "failed" && !also(progress)) continue;
      told.add(step.id);
      add(rehearsed(step, progress, plan.steps.find(({ id }) => id === step.id) ?? null));
    }
  };
  return {
    look: (release) => tell(release, () => false),
    // The last share is still held when the way back is taken.
    end: (release) => tell(release, ({ startedAt }) => startedAt !== null),
  };
}

function rehearsed(step: Step, progress: StepProgress, original: Step | null): RehearsedStep {
  const from = progress.startedAt?.wall ?? 0;
  const until = progress.endedAt?.wall ?? Date.now();
  const wanted = original?.kind === "shift" ? leastHoldMs(original.hold) : 0;
  const held = step.kind === "shift" ? leastHoldMs(step.hold) : 0;
  const note = noteOf(step, progress);
  return {
    name: step.name,
    state: progress.state === "failed" ? "failed" : "passed",
    tookMs: Math.max(0, until - from),
    ...(wanted > held ? { insteadOfMs: wanted } : {}),
    ...(note === undefined ? {} : { note }),
  };
}

function noteOf({ kind }: Step, { effects }: StepProgress): string | undefined {
  if (kind === "migrate") return migrated(effects["migrate"]?.observed);
  if (kind === "backup") {
    const id = effects["backup"]?.observed?.["backup"];
    return typeof id === "string" ? id : undefined;
  }
  return undefined;
}

const MOST_NAMED = 4;

/** As src/engine/perform-database.ts writes it down. */
function migrated(observed: Readonly<Record<string, unknown>> | null | undefined): string | undefined {
  const applied = (observed?.["applied"] ?? []) as readonly {
    readonly file: string;
    readonly tookMs: number | null;
  }[];
  if (observed === undefined || observed === null) return undefined;
  if (applied.length === 0) return "nothing was pending";
  if (applied.length > MOST_NAMED) return `${applied.length} migrations`;
  return applied
    .map(
      ({ file, tookMs }) => `${file.split("/").at(-1) ?? file}${tookMs === null ? "" : ` ${formatDuration(tookMs)}`}`,
    )
    .join(", ");
}

/** At which step a release is now, and what goes on there, in a few words. */
export function doingOf(release: Release, status: Status): { readonly step: string; readonly said: string } {
  if (release.undo !== null) return { step: "goes back", said: "" };
  const current = currentStep(release);
  if (current === null) return { step: "comes to its end", said: "" };
  const { current: now, verdicts } = status;
  const { name } = current.step;
  const seen = now?.seen ?? (current.step.kind === "shift" ? verdicts[0]?.sentence : undefined) ?? "";
  const doing = now === null || now.doing === null ? "" : effectWords(current.step, now.doing);
  return { step: name, said: [doing, seen].filter((each) => each !== "").join(": ") };
}
