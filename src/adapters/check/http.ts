import type { CheckResult } from "../../core/plan/checklist.ts";
import { onOneLine } from "../../core/text/plain-text.ts";
import { fillReferences } from "../../core/text/references.ts";
import { formatDuration } from "../../core/time/time.ts";
import { exchange } from "../../local/http-exchange.ts";
import type { CheckOf, CheckSettings } from "./checker.ts";

const READ_BYTES = 4 * 2 ** 20;

/** A GET answers with the status that is expected, and with a text in its body. Redirects are not followed. */
export async function checkHttp(
  check: CheckOf<"http">,
  signal: AbortSignal,
  settings: CheckSettings,
): Promise<CheckResult> {
  const { status, contains, timeoutMs } = check;
  const result = await exchange({
    url: fillReferences(check.url, settings.values()),
    headers: { accept: "*/*", "accept-encoding": "identity", "user-agent": "tidegate-check" },
    timeoutMs,
    keepBytes: READ_BYTES,
    beyond: "stop",
    isEnough: ({ body }) => contains !== undefined && body.includes(contains),
    signal,
    ...(settings.authority === undefined ? {} : { authority: settings.authority }),
  });
  if (!result.answered) return { passed: false, detail: `${check.url}: ${result.what}` };
  const answered = `${check.url} answers ${result.status} in ${formatDuration(result.tookMs)}`;
  if (result.status !== status) {
    const location = result.headers["location"];
    const to = location === undefined ? "" : ` to ${onOneLine(settings.redact(location))}`;
    return { passed: false, detail: `${answered.replace(" in ", `${to} in `)}, expected ${status}` };
  }
  if (contains !== undefined && !result.body.includes(contains)) {
    return { passed: false, detail: `${answered}, but without "${contains}"` };
  }
  return { passed: true, detail: contains === undefined ? answered : `${answered} with "${contains}"` };
}
