import type { IncomingHttpHeaders } from "node:http";
import type { Instant } from "../../core/time/time.ts";
import { BEGUN_HEADER, ERROR_HEADER, NUMBER_HEADER, VERSION_HEADER, type Failure, type Verdict } from "./outcome.ts";

/** What a complete answer's status and headers say of it. */
export function judgeAnswer(number: number, status: number, headers: IncomingHttpHeaders): Verdict {
  if (status >= 400) return headers[ERROR_HEADER] === "1" ? "app-error" : "unmarked";
  if (headers[VERSION_HEADER] === undefined) return "foreign";
  const answered = headers[NUMBER_HEADER];
  if (answered !== undefined && answered !== String(number)) return "misdelivered";
  return "ok";
}

/** Who answered and when it began, as far as the answer says. */
export function originOf(headers: IncomingHttpHeaders): { readonly version?: string; readonly begunAt?: Instant } {
  const version = headers[VERSION_HEADER];
  const begunAt = Number(headers[BEGUN_HEADER] ?? Number.NaN);
  return {
    ...(typeof version === "string" ? { version } : {}),
    ...(Number.isFinite(begunAt) ? { begunAt } : {}),
  };
}

/** What an error before the answer's first byte means. */
export function judgeError(error: NodeJS.ErrnoException): Failure {
  const code = error.code ?? "";
  if (code === "ECONNREFUSED") return "refused";
  if (code.startsWith("HPE_")) return "garbled";
  return "reset";
}
