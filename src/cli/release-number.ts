import { FaultError } from "../core/fault.ts";

/** As a user writes it. Faults: usage. */
export function releaseNumber(text: string): number {
  const number = Number(text);
  if (/^[1-9]\d*$/.test(text) && Number.isSafeInteger(number)) return number;
  throw new FaultError({
    code: "usage",
    what: `"${text}" is not the number of a release.`,
    fix: "tidegate status shows the numbers",
  });
}
