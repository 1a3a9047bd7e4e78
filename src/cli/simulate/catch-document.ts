import type { Catch } from "../../core/forecast/catches.ts";
import { SECOND } from "../../core/time/time.ts";

/** A fault and its chance, as `--json` has them everywhere. */
export interface CatchDocument {
  /** The candidate's error rate, or how many times as long it takes. */
  readonly candidateErrors?: number;
  readonly candidateSlower?: number;
  /** 0 … 1. */
  readonly caught: number;
  /** null: it would never be. */
  readonly meanDelayMs: number | null;
}

export function catchDocument({ fault, caught, delaySeconds }: Catch): CatchDocument {
  return {
    ...("errors" in fault ? { candidateErrors: fault.errors } : { candidateSlower: fault.slower }),
    // Further digits would be those of the formula, not of the world.
    caught: Number(caught.toFixed(4)),
    meanDelayMs: delaySeconds === null ? null : Math.round(delaySeconds * SECOND),
  };
}
