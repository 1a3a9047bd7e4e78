import type { ProbeAnswer } from "../../core/observation.ts";
import { onOneLine } from "../../core/text/plain-text.ts";
import { exchange } from "../../local/http-exchange.ts";
import { tryTcp } from "../../local/tcp-connection.ts";
import type { Clock } from "../../ports/clock.ts";
import type { HealthProbe } from "../../ports/health.ts";

/** How much of an answer's body is told. */
const TOLD_BYTES = 200;
/** More than is told, so that a secret at its end is seen whole and hidden before the rest is cut off. */
const READ_BYTES = 4_096;

export interface HealthProbeSettings {
  readonly clock: Clock;
  /** Hides secrets in what apps answer. */
  readonly redact: (text: string) => string;
}

/**
 * Probes over connections of their own, so that none is answered by a connection that outlived its instance. Good is
 * 200 … 299, whole and in time; a redirect says nothing about the app's health, so it isn't good.
 */
export function createHealthProbe({ clock, redact }: HealthProbeSettings): HealthProbe {
  return {
    async http(url, timeoutMs): Promise<ProbeAnswer> {
      const at = clock.wall();
      const result = await exchange({
        url,
        timeoutMs,
        headers: { accept: "*/*", "user-agent": "tidegate-health" },
        keepBytes: READ_BYTES,
        beyond: "stop",
        // Instances rarely have certificates for 127.0.0.1, and it is their health that is asked for.
        insecureTls: true,
      });
      if (!result.answered) return { at, ok: false, tookMs: result.tookMs, text: redact(result.what) };
      const { status, tookMs } = result;
      const ok = status >= 200 && status < 300;
      return { at, ok, status, tookMs, text: textOf(result, url, redact) };
    },
    async tcp(address, timeoutMs): Promise<ProbeAnswer> {
      const at = clock.wall();
      const { accepted, what, tookMs } = await tryTcp(address, timeoutMs);
      return { at, ok: accepted, tookMs, text: what };
    },
  };
}

function textOf(
  answer: { readonly status: number; readonly headers: Readonly<Record<string, string>>; readonly body: Buffer },
  url: string,
  redact: (text: string) => string,
): string {
  const { status, headers, body } = answer;
  const location = headers["location"];
  if (status >= 300 && status < 400 && location !== undefined) {
    return `${new URL(url).pathname} answers ${status} to ${onOneLine(redact(location))}`;
  }
  const clean = onOneLine(redact(body.toString("utf8")), READ_BYTES);
  return wholeCharacters(Buffer.from(clean), TOLD_BYTES).toString("utf8");
}

/** The first bytes of a UTF-8 text, at most so many, without a part of a character at the end. */
function wholeCharacters(bytes: Buffer, most: number): Buffer {
  if (bytes.length <= most) return bytes;
  let end = most;
  while (end > 0 && ((bytes[end] ?? 0) & 0xc0) === 0x80) end -= 1;
  return bytes.subarray(0, end);
}
