import { createHash, createHmac, randomBytes, timingSafeEqual } from "node:crypto";
import type { IncomingHttpHeaders } from "node:http";
import { type RoutingTable, twinName } from "../core/traffic/routing.ts";
import { type Cohort, WHOLE } from "../core/traffic/share.ts";

export const TOKEN_HEADER = "x-tidegate-token";
export const COHORT_HEADER = "x-tidegate-cohort";

/**
 * The version that a request asks for by name, when it may; null: it asks for none, or may not. `stable`, `candidate`
 * and `twin` are names too.
 */
export function pinnedVersion(table: RoutingTable, headers: IncomingHttpHeaders, pinHeader: string): string | null {
  const asked = headers[pinHeader];
  if (typeof asked !== "string" || asked === "") return null;
  const token = headers[TOKEN_HEADER];
  if (typeof token !== "string") return null;
  if (!isSame(token, table.engineToken) && !isSame(token, table.pins.token ?? "")) return null;
  if (asked === "stable") return table.stable?.version ?? asked;
  if (asked === "candidate") return table.candidate?.version ?? asked;
  if (asked === "twin" && table.twin !== undefined) return twinName(table.twin.version);
  return asked;
}

/** Equal and not empty, in a time that says nothing of where they differ. */
function isSame(token: string, expected: string): boolean {
  if (expected === "") return false;
  const digest = (text: string): Buffer => createHash("sha256").update(text).digest();
  return timingSafeEqual(digest(token), digest(expected));
}

/**
 * What an instance gets in `x-tidegate-cohort` and passes on when it calls another service through the plane: the side
 * that its own request was on. Signed, because whoever could write it could choose a side.
 */
export interface CohortSeal {
  /** The header's value for a cohort. */
  ofCohort(cohort: Cohort): string;
  /** The header's value for a request that was pinned to a version. */
  ofVersion(version: string): string;
  /** What a value of ours says; null for anything else. */
  read(value: string): Cohort | { readonly version: string } | null;
}

export function newSealKey(): string {
  return randomBytes(32).toString("hex");
}

export function cohortSeal(key: string): CohortSeal {
  const sign = (text: string): string =>
    `${text}.${createHmac("sha256", key).update(text).digest("base64url").slice(0, 16)}`;
  // One signature a cohort, made when it is first needed: 10 000 short strings at most.
  const sealed: string[] = [];
  const ofCohort = (cohort: Cohort): string => (sealed[cohort] ??= sign(String(cohort)));
  const ofVersion = (version: string): string => sign(`@${encodeURIComponent(version)}`);
  return {
    ofCohort,
    ofVersion,
    read(value) {
      const text = value.slice(0, value.lastIndexOf("."));
      if (/^\d{1,4}$/.test(text)) {
        const cohort = Number(text);
        return cohort < WHOLE && isSame(value, ofCohort(cohort)) ? cohort : null;
      }
      if (!text.startsWith("@") || !isSame(value, sign(text))) return null;
      try {
        return { version: decodeURIComponent(text.slice(1)) };
      } catch {
        return null;
      }
    },
  };
}
