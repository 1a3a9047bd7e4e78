import type { InstanceSeen, ProbeAnswer } from "../core/observation.ts";
import { currentStep, type Release } from "../core/release/release.ts";
import { formatDuration, type Instant, SECOND } from "../core/time/time.ts";
import type { World } from "./world.ts";

/** An ordinary start answers nothing at first, and that is no news. */
const NEWS_AFTER_MS = 3 * SECOND;

/** What a start that takes its time was answered last, in a sentence; null: none is under way, or nothing is known yet. */
export function notReadyYet(release: Release, world: World, wall: Instant): string | null {
  const open = Object.values(currentStep(release)?.progress.effects ?? {}).find(({ state }) => state === "requested");
  if (open?.effect.kind !== "start" || Math.abs(wall - open.requestedAt.wall) < NEWS_AFTER_MS) return null;
  const { version, slot, services } = open.effect;
  const health = world.health();
  const isMeant = (each: InstanceSeen): boolean =>
    each.version === version && each.slot === slot && services.includes(each.service);
  const waiting = world.instances().find((each) => isMeant(each) && health[each.id]?.ready === false);
  const last = waiting === undefined ? undefined : health[waiting.id]?.last;
  if (waiting === undefined || last === undefined || last.ok) return null;
  const service = release.plan.services.find(({ name }) => name === waiting.service);
  const bound = service === undefined ? "" : `; a start may take ${formatDuration(service.startMs)}`;
  const path = service?.health === undefined ? "" : ` to ${service.health.ready}`;
  return `${waiting.id} is not ready yet, last answer${path}: ${answered(last)}${bound}.`;
}

/** Without how long it took: the same answer again is no news. */
function answered({ status, text }: ProbeAnswer): string {
  return status === undefined ? text : `${status} ${text}`.trim();
}
