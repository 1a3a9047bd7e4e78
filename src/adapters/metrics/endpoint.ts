import { readFile } from "node:fs/promises";
import type { Endpoint, Reading, Subject } from "../../core/plan/source.ts";
import { onOneLine } from "../../core/text/plain-text.ts";
import { redactor } from "../../core/text/redact.ts";
import { formatDuration } from "../../core/time/time.ts";
import { exchange, type ExchangeResult } from "../../local/http-exchange.ts";
import { isUntrusted } from "../../local/tls-trouble.ts";
import { type Asking, filled, type MetricsSettings } from "./settings.ts";

/** An answer with more than this is no single figure. */
const MOST_BYTES = 1024 * 1024;
const TOLD_CHARACTERS = 200;

/** What a web server answered: JSON, or why that is not so. `status`: the answer's, where there was one. */
export type Answered =
  | { readonly ok: true; readonly status: number; readonly json: unknown }
  | { readonly ok: false; readonly down: Extract<Reading, { kind: "down" }>; readonly isTooLong?: true };

/** Asks for a document, within the time; `path` is added to the endpoint's address. Redirects are not followed. */
export async function askEndpoint(
  endpoint: Endpoint,
  { path, form }: { readonly path: string; readonly form?: string },
  subject: Subject,
  { settings, timeoutMs, signal }: Asking,
): Promise<Answered> {
  const url = `${filled(endpoint.url, subject, settings, encodeURIComponent)}${path}`;
  if (!URL.canParse(url) || !/^https?:/.test(url)) return down("its address is no address of the web");
  const authority = await authorityOf(endpoint);
  if (authority instanceof Error) return down(`the certificates in ${endpoint.ca ?? ""} can't be read`);
  const { origin, username, password } = new URL(url);
  const letIn = {
    ...headersOf(endpoint, subject, settings),
    ...(username === "" ? {} : { authorization: basic(decodeURIComponent(username), decodeURIComponent(password)) }),
  };
  const result = await exchange({
    url: withoutUser(url),
    headers: {
      accept: "application/json",
      "accept-encoding": "identity",
      "user-agent": "tidegate",
      ...letIn,
      ...(form === undefined ? {} : { "content-type": "application/x-www-form-urlencoded" }),
    },
    ...(form === undefined ? {} : { method: "POST", body: form }),
    timeoutMs,
    keepBytes: MOST_BYTES,
    beyond: "stop",
    signal,
    ...(authority === null ? {} : { authority }),
  });
  // A server may repeat what let us in, and no table of secrets knows it in the form in which it was sent.
  const hidden = redactor([letIn.authorization?.replace(/^Basic /, "") ?? ""]);
  return answerOf(result, origin, timeoutMs, (text) => hidden.text(settings.redact(text)));
}

function answerOf(
  result: ExchangeResult,
  origin: string,
  timeoutMs: number,
  redact: (text: string) => string,
): Answered {
  if (!result.answered)
    return down(
      result.reason === "time-out"
        ? `${origin} gives no answer within ${formatDuration(timeoutMs)}`
        : redact(result.what),
      ...trustFix(result.what),
    );
  const { status, headers, body, longer } = result;
  if (status >= 300 && status < 400)
    return down(
      redact(
        `${origin} answers ${status} and sends on to ${onOneLine(headers["location"] ?? "nowhere", TOLD_CHARACTERS)}`,
      ),
      "write that address if it is the right one: redirects are not followed",
    );
  if (longer) return { ...down(`${origin} answers with more than 1 MB, which can't be one figure`), isTooLong: true };
  const text = body.toString("utf8");
  const json = parsed(text);
  // A server that says in JSON what is wrong with the question says it better than its status does.
  if (json !== undefined) return { ok: true, status, json };
  const told = onOneLine(redact(text), TOLD_CHARACTERS);
  const type = headers["content-type"] ?? "no type";
  return status >= 200 && status < 300
    ? down(`${origin} did not answer in JSON (${onOneLine(type, 40)})`, "check that the address leads where it should")
    : down(statusSentence(origin, status, told), ...fixOf(status));
}

/** "http://127.0.0.1:9090 answers 503: overloaded" */
export function statusSentence(origin: string, status: number, told: string): string {
  return `${origin} answers ${status}${told === "" ? "" : `: ${told}`}`;
}

/** How to be let in, where that is what is missing. */
export function fixOf(status: number): readonly [] | readonly [string] {
  return status === 401 || status === 403
    ? ["write how to be let in under `metrics:` (`bearer`, `basic` or `headers`)"]
    : [];
}

/** How to have a certificate trusted, where that is what is missing. */
export function trustFix(why: string): readonly [] | readonly [string] {
  return isUntrusted(why) ? ["name the authority's file under `metrics:` (`ca: …`)"] : [];
}

function down(why: string, fix?: string): { readonly ok: false; readonly down: Extract<Reading, { kind: "down" }> } {
  return { ok: false, down: { kind: "down", why, ...(fix === undefined ? {} : { fix }) } };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

function headersOf(
  { headers, bearer, basic: both }: Endpoint,
  subject: Subject,
  settings: MetricsSettings,
): Readonly<Record<string, string>> & { readonly authorization?: string } {
  const fill = (text: string): string => filled(text, subject, settings);
  return {
    ...Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), fill(value)])),
    ...(bearer === undefined ? {} : { authorization: `Bearer ${fill(bearer)}` }),
    ...(both === undefined ? {} : { authorization: basic(fill(both.user), fill(both.password)) }),
  };
}

function basic(user: string, password: string): string {
  return `Basic ${Buffer.from(`${user}:${password}`).toString("base64")}`;
}

function withoutUser(url: string): string {
  const bare = new URL(url);
  bare.username = "";
  bare.password = "";
  return bare.href;
}

async function authorityOf({ ca }: Endpoint): Promise<string | null | Error> {
  if (ca === undefined) return null;
  return await readFile(ca, "utf8").catch((error: unknown) =>
    error instanceof Error ? error : new Error(String(error)),
  );
}
