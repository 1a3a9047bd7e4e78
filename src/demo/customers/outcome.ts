import type { Instant } from "../../core/time/time.ts";

/**
 * Why a request counts as failed: what a customer saw go wrong and the app did not say of itself.
 *
 * | reason | what came |
 * |---|---|
 * | `refused` | no connection |
 * | `reset` | the connection was cut before an answer began |
 * | `truncated` | the answer began and was cut before its end |
 * | `garbled` | bytes that are no HTTP answer, or a body that is not what its type says |
 * | `timeout` | the answer's last byte had not come within the limit, or an open stream fell silent for as long |
 * | `unmarked` | an error status without the app's mark: somebody before the app made it |
 * | `foreign` | a good status, but not from the app |
 * | `misdelivered` | the answer to another request |
 * | `websocket` | a WebSocket that ended without a close, or with one that is not 1000 or 1001 |
 */
export type Failure =
  "refused" | "reset" | "truncated" | "garbled" | "timeout" | "unmarked" | "foreign" | "misdelivered" | "websocket";

export type Verdict = "ok" | "app-error" | Failure;

/** How one numbered request ended. */
export interface Outcome {
  /** Sent as `x-load-number`. */
  readonly number: number;
  readonly visitor: number;
  /** `GET /products`. */
  readonly what: string;
  readonly verdict: Verdict;
  /** When it was handed to the network. */
  readonly sentAt: Instant;
  readonly tookMs: number;
  readonly status?: number;
  /** Of the shop that answered; absent when nobody said. */
  readonly version?: string;
  /** The version's own clock when it began with the request. */
  readonly begunAt?: Instant;
  /** For people: the error's own words. */
  readonly detail?: string;
  /** Of a whole answer. */
  readonly body?: string;
}

/** The marks of the shop's answers. Every answer of any version of it carries the first. */
export const VERSION_HEADER = "x-shop-version";
export const BEGUN_HEADER = "x-shop-begun";
export const ERROR_HEADER = "x-shop-error";
export const NUMBER_HEADER = "x-load-number";
