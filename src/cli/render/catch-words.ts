import type { Catch } from "../../core/forecast/catches.ts";
import { chance, rateText } from "./chance.ts";

const SURE = 0.9;
const HARDLY = 0.05;

/** `errors of 1% (~100%), 0.5% (98%), 0.25% only 1 time in 4; latency of 2x (~100%)`, and the same of slowness. null: nothing can be much worse than stable. */
export function catchWords(catches: readonly Catch[]): string | null {
  const errors = catches.flatMap(({ fault, caught }) =>
    "errors" in fault ? [{ name: rateText(fault.errors), caught }] : [],
  );
  const slow = catches.flatMap(({ fault, caught }) =>
    "slower" in fault ? [{ name: `${fault.slower}x`, caught }] : [],
  );
  const parts = [...kind("errors of", errors), ...kind("latency of", slow)];
  return parts.length === 0 ? null : parts.join("; ");
}

interface Named {
  readonly name: string;
  readonly caught: number;
}

/** From the mildest to the worst: the two mildest that are surely caught, the worst first, and the first that is not. */
function kind(what: string, faults: readonly Named[]): readonly string[] {
  if (faults.length === 0) return [];
  const sure = faults.findIndex(({ caught }) => caught >= SURE);
  if (sure === -1) {
    const worst = faults.at(-1);
    return worst === undefined ? [] : [`${what} ${worst.name} ${seldom(worst.caught)}`];
  }
  const named = faults.slice(sure, sure + 2).toReversed();
  const missed = faults[sure - 1];
  const found = named.map(({ name, caught }) => `${name} (${caught > 0.995 ? "~100%" : chance(caught)})`).join(", ");
  return [`${what} ${found}${missed === undefined ? "" : `, ${missed.name} ${seldom(missed.caught)}`}`];
}

function seldom(caught: number): string {
  if (caught < HARDLY) return "hardly ever";
  if (caught >= 0.6) return `${chance(caught)} of the time`;
  return caught > 0.4 ? "only every other time" : `only 1 time in ${Math.round(1 / caught)}`;
}
