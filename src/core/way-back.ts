import type { Release } from "./release.ts";

/**
 * Why a rollback has nowhere to go, in a sentence; null where it has. What was taken over was started by somebody else:
 * once it is retired, nobody here can start it again.
 */
export function noWayBack({ stable, begun }: Release): string | null {
  if (stable?.adopted === undefined || !begun.standbyStop) return null;
  return `${stable.label} was retired, and Tidegate can't start again what it did not start.`;
}
