import { createHash } from "node:crypto";
import type { Message } from "../../core/release/effect.ts";
import { FaultError } from "../../core/fault.ts";
import { onOneLine } from "../../core/text/plain-text.ts";
import type { NotifyTarget } from "../../core/plan/plan.ts";
import { redactor } from "../../core/text/redact.ts";
import { fillReferences, referencesIn } from "../../core/text/references.ts";
import { type Duration, formatDuration, type Instant, MINUTE, SECOND } from "../../core/time/time.ts";
import { exchange, type ExchangeResult } from "../../local/http-exchange.ts";
import type { Clock } from "../../ports/clock.ts";
import { publicLookup, isPrivateAddress, isPublicPlace } from "./private-address.ts";
import type { MessageContext } from "./terminal.ts";

export interface WebhookSettings {
  readonly clock: Clock;
  readonly redact: (text: string) => string;
  /** Values for `${UPPER}` in addresses: a webhook's address is mostly its password. */
  readonly values: () => Readonly<Record<string, string>>;
  readonly timeoutMs?: Duration;
  readonly tries?: number;
  /** PEM of the authorities to trust instead of the machine's own. */
  readonly authority?: string;
  /** Which addresses a public webhook must not redirect to. */
  readonly isPrivate?: (address: string) => boolean;
}

/** `signal` ends the tries. */
type Delivery = WebhookSettings & { readonly signal: AbortSignal };

type Webhook = Extract<NotifyTarget, { readonly kind: "webhook" }>;

const FIRST_PAUSE: Duration = 500;
const LONGEST_PAUSE: Duration = 30 * SECOND;
/** A server that wants longer than this is told as failed: the message would be old news. */
const LONGEST_RETRY_AFTER: Duration = MINUTE;
const MOST_REDIRECTS = 3;

/**
 * POSTs the message as JSON until the webhook takes it (2xx), with growing pauses while the network or the other side
 * is at fault (no answer, 408, 429, 5xx). A message has the same idempotency key however often it is sent.
 */
export async function deliverToWebhook(
  message: Message,
  webhook: Webhook,
  context: MessageContext,
  settings: Delivery,
): Promise<void> {
  const { clock, signal, tries = 5 } = settings;
  const url = addressOf(webhook, settings);
  // Not even the path is told: with most services, who knows it may post.
  const hidden = redactor([
    url.href,
    `${url.pathname}${url.search}`,
    url.pathname.slice(1),
    url.username,
    url.password,
  ]);
  const redact = (text: string): string => settings.redact(hidden.text(text));
  const failed = (cause: string): FaultError =>
    new FaultError({
      code: "notification-not-delivered",
      what: `The webhook "${webhook.name}" did not take the message "${onOneLine(settings.redact(message.title), 80)}".`,
      where: url.host,
      cause: redact(cause),
      fix: "check the webhook's address in the plan file and that its service works",
    });
  const body = bodyOf(message, context, settings);
  const key = createHash("sha256").update(`${webhook.name}\n${body}`).digest("hex").slice(0, 32);

  for (let count = 1; ; count += 1) {
    const result = await post(url, body, key, { ...settings, redact });
    if (result.kind === "taken") return;
    if (result.kind === "refused") throw failed(result.problem);
    if (count >= tries) throw failed(`${result.problem} (${count} ${count === 1 ? "try" : "tries"})`);
    if (result.retryAfterMs !== undefined && result.retryAfterMs > LONGEST_RETRY_AFTER) {
      throw failed(`${result.problem}, and wants to be left alone for ${formatDuration(result.retryAfterMs)}`);
    }
    const pause = Math.min(FIRST_PAUSE * 2 ** (count - 1), LONGEST_PAUSE);
    // Up to a quarter more by chance, so that many who failed together don't come back together.
    await clock.sleep(result.retryAfterMs ?? pause * (1 + Math.random() / 4), signal).catch(() => {
      throw failed(`${result.problem}; stopped before the next try`);
    });
  }
}

function addressOf(webhook: Webhook, { values }: WebhookSettings): URL {
  const known = values();
  const unknown = referencesIn(webhook.url).find(({ name, owner }) => owner === "user" && !Object.hasOwn(known, name));
  const text = fillReferences(webhook.url, known);
  const url = URL.canParse(text) ? new URL(text) : null;
  if (unknown === undefined && url !== null && isWeb(url)) return url;
  throw new FaultError({
    code: "notification-not-delivered",
    what: `The webhook "${webhook.name}" has no address to send to.`,
    cause:
      unknown === undefined
        ? "its address is not an http:// or https:// URL"
        : `\${${unknown.name}} is neither among the secrets nor in the environment`,
    fix: "set it where Tidegate runs, or correct the plan file",
  });
}

/** `text` is what Slack, Mattermost and Teams show; the rest is for programs. */
function bodyOf(message: Message, context: MessageContext, { redact }: WebhookSettings): string {
  const { app, environment, release } = context;
  const title = redact(message.title);
  const sentence = redact(message.sentence);
  const command = message.command === undefined ? undefined : redact(message.command);
  const text = [`${app} ${environment} · release ${release} · ${title}`, sentence, command].filter(Boolean).join("\n");
  return JSON.stringify({ text, app, environment, release, topic: message.topic, title, sentence, command });
}

type Posted =
  | { readonly kind: "taken" }
  | { readonly kind: "refused"; readonly problem: string }
  | { readonly kind: "later"; readonly problem: string; readonly retryAfterMs?: Duration };

/** One try, redirects followed. Only 307 and 308 keep a POST a POST, and none may lead from a public place inside. */
async function post(first: URL, body: string, key: string, settings: Delivery): Promise<Posted> {
  const isPrivate = settings.isPrivate ?? isPrivateAddress;
  let url = first;
  for (let redirects = 0; ; redirects += 1) {
    const guarded = redirects > 0 && (await isPublicPlace(first.hostname, isPrivate));
    if (guarded && isPrivate(url.hostname)) {
      return { kind: "refused", problem: "it redirects to a private address, which a public webhook must not" };
    }
    const result = await exchange({
      url: url.href,
      method: "POST",
      headers: { "content-type": "application/json", "user-agent": "tidegate", "idempotency-key": key },
      body,
      timeoutMs: settings.timeoutMs ?? 10 * SECOND,
      keepBytes: 4_096,
      beyond: "stop",
      ...(guarded ? { lookup: publicLookup(isPrivate) } : {}),
      signal: settings.signal,
      ...(settings.authority === undefined ? {} : { authority: settings.authority }),
    });
    if (!result.answered || (result.status !== 307 && result.status !== 308))
      return judge(result, settings.clock.wall(), settings.redact);
    const location = result.headers["location"] ?? "";
    const next = URL.canParse(location, url.href) ? new URL(location, url) : null;
    if (next === null || !isWeb(next) || redirects >= MOST_REDIRECTS) {
      return { kind: "refused", problem: `it answers ${result.status} and leads nowhere (${redirects + 1} redirects)` };
    }
    if (url.protocol === "https:" && next.protocol === "http:") {
      return { kind: "refused", problem: "it redirects from https to http, where everybody could read the message" };
    }
    url = next;
  }
}

function judge(result: ExchangeResult, now: Instant, redact: (text: string) => string): Posted {
  if (!result.answered) {
    return {
      kind: result.reason === "malformed" || result.reason === "aborted" ? "refused" : "later",
      problem: result.what,
    };
  }
  const { status, headers, body } = result;
  if (status >= 200 && status < 300) return { kind: "taken" };
  const text = onOneLine(redact(body.toString("utf8")));
  const problem = `it answers ${status}${text === "" ? "" : `: ${text}`}`;
  if (status !== 408 && status !== 429 && status < 500) return { kind: "refused", problem };
  const retryAfterMs = retryAfter(headers["retry-after"], now);
  return { kind: "later", problem, ...(retryAfterMs === undefined ? {} : { retryAfterMs }) };
}

/** Seconds, or a date (RFC 9110, 10.2.3). */
function retryAfter(value: string | undefined, now: Instant): Duration | undefined {
  if (value === undefined) return undefined;
  if (/^\d+$/.test(value.trim())) return Number(value) * SECOND;
  const at = Date.parse(value);
  return Number.isNaN(at) ? undefined : Math.max(0, at - now);
}

function isWeb(url: URL): boolean {
  return url.protocol === "https:" || url.protocol === "http:";
}
