import type { HttpFrom, Reading, Subject } from "../../core/plan/source.ts";
import { onOneLine } from "../../core/text/plain-text.ts";
import { askEndpoint, fixOf, statusSentence } from "./endpoint.ts";
import { selected } from "./selected.ts";
import { type Asking, filled } from "./settings.ts";

/** Asks an address for JSON, and takes one number of it. */
export async function askHttp({ at, select }: HttpFrom, subject: Subject, asking: Asking): Promise<Reading> {
  const { settings } = asking;
  const answered = await askEndpoint(at, { path: "" }, subject, asking);
  if (!answered.ok) return answered.down;
  const { status, json } = answered;
  if (status < 200 || status >= 300) {
    const { origin } = new URL(filled(at.url, subject, settings, encodeURIComponent));
    const told = onOneLine(settings.redact(JSON.stringify(json)), 200);
    const [fix] = fixOf(status);
    return { kind: "down", why: statusSentence(origin, status, told), ...(fix === undefined ? {} : { fix }) };
  }
  return selected(json, select, settings.redact);
}
