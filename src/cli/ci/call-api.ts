import { setTimeout as delay } from "node:timers/promises";
import { FaultError } from "../../core/fault.ts";
import { onOneLine } from "../../core/text/plain-text.ts";
import { redactor } from "../../core/text/redact.ts";
import { SECOND } from "../../core/time/time.ts";
import { exchange } from "../../local/http-exchange.ts";

export interface Api {
  /** With its name, for faults: `GitHub`. */
  readonly name: string;
  readonly base: string;
  readonly headers: Readonly<Record<string, string>>;
  /** Never shown. */
  readonly token: string;
  /** What to do when it refuses the token. */
  readonly permission: string;
}

const TRIES = 3;
const TIMEOUT_MS = 15 * SECOND;
const LONGEST_WAIT_MS = 30 * SECOND;

/**
 * Asks a forge's API, and again where it is busy or away; a POST only where it surely did nothing. Answers the document.
 * Faults: forge-not-told.
 */
export async function callApi(api: Api, method: "GET" | "POST", path: string, body?: unknown): Promise<unknown> {
  const redact = redactor([api.token]).text;
  for (let count = 1; ; count += 1) {
    const result = await exchange({
      url: `${api.base.replace(/\/$/, "")}${path}`,
      method,
      headers: { "user-agent": "tidegate", "content-type": "application/json", ...api.headers },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      timeoutMs: TIMEOUT_MS,
      keepBytes: 4_194_304,
      beyond: "stop",
    });
    if (result.answered && result.status >= 200 && result.status < 300) return documentOf(result.body.toString("utf8"));
    const isPassing = result.answered
      ? result.status === 429 || result.status >= 500
      : method === "GET" || !result.mayHaveArrived;
    if (isPassing && count < TRIES) {
      const asked = result.answered ? Number(result.headers["retry-after"] ?? Number.NaN) * SECOND : Number.NaN;
      await delay(Number.isNaN(asked) ? count * SECOND : Math.min(asked, LONGEST_WAIT_MS));
      continue;
    }
    const isForbidden = result.answered && [401, 403, 404].includes(result.status);
    throw new FaultError({
      code: "forge-not-told",
      what: `${api.name} was not told: ${method} ${path}`,
      cause: result.answered
        ? `it answers ${result.status}: ${onOneLine(redact(result.body.toString("utf8")))}`
        : result.what,
      ...(isForbidden ? { fix: api.permission } : {}),
    });
  }
}

function documentOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
