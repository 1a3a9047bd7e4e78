import type { Step, Warm } from "../plan/step.ts";
import type { Release } from "../release/release.ts";
import { twinOf } from "../release/twin.ts";
import { SECOND } from "../time/time.ts";
import { type Share, WHOLE } from "../traffic/share.ts";
import { type Ingredient, INSIST, ONCE, type Recipe } from "./ingredient.ts";

/** Nothing of the candidate has failed when something of its twin does: it is tried again, and then a person is asked. */
const OF_TWIN = { ...ONCE, tries: 3, backoffMs: 2 * SECOND, ofTwin: true } as const;

/** Whether the step works with a twin of stable: one that a person has promoted goes on without. */
function isWithTwin(release: Release, step: Step): boolean {
  const isPromoted = release.steps.find((progress) => progress.step === step.id)?.promoted === true;
  return twinOf(release) !== null && servicesOfTwin(release).length > 0 && !isPromoted;
}

/** Those that take traffic: what works beside it must not be done twice. */
function servicesOfTwin({ plan }: Release): readonly string[] {
  return plan.services.filter(({ routes }) => routes.length > 0).map(({ name }) => name);
}

/** What gives a share: to the twin of stable too, where the candidate is compared with one. */
export function shareOf(release: Release, step: Step, share: Share): Pick<Ingredient, "effect" | "needsReady"> {
  return share < WHOLE && isWithTwin(release, step)
    ? { effect: { kind: "share", share, twin: true }, needsReady: "candidate and twin" }
    : { effect: { kind: "share", share }, needsReady: "candidate" };
}

/** As fresh as the candidate, so it is started with it; before each share again, for where it has been stopped since. */
export function startTwinRecipe(release: Release, step: Step): Recipe {
  const twin = twinOf(release);
  if (twin === null || !isWithTwin(release, step)) return [];
  const { version, slot } = twin;
  const services = servicesOfTwin(release);
  return [
    {
      ...OF_TWIN,
      name: "start-twin",
      effect: { kind: "start", version, slot, services },
      inverse: { kind: "stop", version, slot, services, drain: true },
    },
  ];
}

/** What makes the candidate warm makes its twin warm, or the two could not be compared. */
export function warmTwinRecipe(release: Release, step: Step, warm: Warm): Recipe {
  if (!isWithTwin(release, step) || !release.begun.twin) return [];
  return [{ ...OF_TWIN, name: "warm-twin", effect: { kind: "warm", warm, of: "twin" } }];
}

/** Nobody is compared any more. `step`: with which all of the traffic comes to the candidate; null: it is put back. */
export function stopTwinRecipe(release: Release, step: Step | null): Recipe {
  const twin = twinOf(release);
  if (twin === null || !release.begun.twin || (step !== null && !isWithTwin(release, step))) return [];
  const { version, slot } = twin;
  const effect = { kind: "stop", version, slot, services: servicesOfTwin(release), drain: true } as const;
  return [{ ...OF_TWIN, ...INSIST, name: "stop-twin", effect }];
}
