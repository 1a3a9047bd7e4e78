import { onOneLine } from "../../core/text/plain-text.ts";
import { redactor } from "../../core/text/redact.ts";
import { type Duration, formatDuration, type Instant, MINUTE, SECOND } from "../../core/time/time.ts";
import { exchange, type ExchangeResult } from "../../local/http-exchange.ts";
import { isLinkLocal, isPrivateAddress, isPublicPlace, publicLookup } from "./private-address.ts";
import { type Became, type Called, type DeliverySettings, isWeb, notDelivered } from "./settings.ts";

/** A message on its way to a web service. */
export interface Post extends Called {
  /** Of the message, for faults. */
  readonly title: string;
  readonly url: URL;
  readonly body: string;
  /** Made anew for each try. */
  readonly headers: (now: Instant) => Readonly<Record<string, string>>;
  /** What must not be seen in what the other side says, beside its address. */
  readonly secrets?: readonly string[];
  /** It takes a second one for the first, so that it may be sent again where the first may have arrived. */
  readonly isRepeatable: boolean;
  /** Its headers or body hold a key: no other host may get it. */
  readonly staysOnHost?: boolean;
  /** What is wrong with an answer of 2xx; null: nothing. */
  readonly problemWith?: (body: string) => Problem | null;
}

export interface Problem {
  readonly what: string;
  /** Another try may help. */
  readonly isPassing: boolean;
}

/** `signal` ends the tries. */
export type Delivery = DeliverySettings & { readonly signal: AbortSignal };

const FIRST_PAUSE: Duration = 500;
const LONGEST_PAUSE: Duration = 30 * SECOND;
/** A server that wants longer than this is told as failed: the message would be old news. */
const LONGEST_RETRY_AFTER: Duration = MINUTE;
const MOST_REDIRECTS = 3;
const KEEP_BYTES = 16_384;
/** A part of a path of this length may be a key by itself; shorter ones are words such as `enqueue`. */
const SHORTEST_KEY = 12;

/**
 * POSTs until the other side takes it (2xx), with growing pauses while the network or the other side is at fault (no
 * answer, 408, 429, 5xx). Answers the body of the answer.
 */
export async function postMessage(post: Post, settings: Delivery): Promise<string> {
  const { clock, signal, tries = 5 } = settings;
  const { url } = post;
  // Not even the path is told: with most services, who knows it may post.
  const hidden = redactor([
    url.href,
    `${url.pathname}${url.search}`,
    url.pathname.slice(1),
    url.search.slice(1),
    ...url.pathname.split("/").filter((part) => part.length >= SHORTEST_KEY),
    ...url.searchParams.values(),
    url.username,
    url.password,
    ...(post.secrets ?? []),
  ]);
  const redact = (text: string): string => settings.redact(hidden.text(text));
  const failed = (cause: string, became: Became = "not-delivered") =>
    notDelivered(post, settings.redact(post.title), { where: url.host, cause: redact(cause), became });

  for (let count = 1; ; count += 1) {
    const result = await once(post, { ...settings, redact });
    if (result.kind === "taken") return result.body;
    if (result.mayHaveArrived && !post.isRepeatable) throw failed(result.problem, "uncertain");
    if (result.kind === "refused") throw failed(result.problem, signal.aborted ? "stopped" : "not-delivered");
    if (count >= tries) throw failed(`${result.problem} (${count} ${count === 1 ? "try" : "tries"})`);
    if (result.retryAfterMs !== undefined && result.retryAfterMs > LONGEST_RETRY_AFTER) {
      throw failed(`${result.problem}, and wants to be left alone for ${formatDuration(result.retryAfterMs)}`);
    }
    const pause = Math.min(FIRST_PAUSE * 2 ** (count - 1), LONGEST_PAUSE);
    // Up to a quarter more by chance, so that many who failed together don't come back together.
    await clock.sleep(result.retryAfterMs ?? pause * (1 + Math.random() / 4), signal).catch(() => {
      throw failed(`${result.problem}; stopped before the next try`, "stopped");
    });
  }
}

type Posted =
  | { readonly kind: "taken"; readonly body: string }
  | { readonly kind: "refused"; readonly problem: string; readonly mayHaveArrived: boolean }
  | {
      readonly kind: "later";
      readonly problem: string;
      readonly mayHaveArrived: boolean;
      readonly retryAfterMs?: Duration;
    };

/** One try, redirects followed. Only 307 and 308 keep a POST a POST, and none may lead from a public place inside. */
async function once(post: Post, settings: Delivery): Promise<Posted> {
  const isPrivate = settings.isPrivate ?? isPrivateAddress;
  const first = post.url;
  let url = first;
  for (let redirects = 0; ; redirects += 1) {
    const guarded = redirects > 0 && (await isPublicPlace(first.hostname, isPrivate));
    if (guarded && isPrivate(url.hostname)) {
      return refused("it redirects to a private address, which a public webhook must not");
    }
    if (redirects > 0 && isLinkLocal(url.hostname) && !isLinkLocal(first.hostname)) {
      return refused("it redirects to a link-local address, which no receiver has");
    }
    const result = await exchange({
      url: url.href,
      method: "POST",
      headers: {
        "content-type": "application/json",
        "user-agent": "tidegate",
        ...post.headers(settings.clock.wall()),
      },
      body: post.body,
      timeoutMs: settings.timeoutMs ?? 10 * SECOND,
      keepBytes: KEEP_BYTES,
      beyond: "stop",
      ...(guarded ? { lookup: publicLookup(isPrivate) } : {}),
      signal: settings.signal,
      ...(settings.authority === undefined ? {} : { authority: settings.authority }),
    });
    if (!result.answered || (result.status !== 307 && result.status !== 308)) return judge(result, post, settings);
    const location = result.headers["location"] ?? "";
    const next = URL.canParse(location, url.href) ? new URL(location, url) : null;
    if (next === null || !isWeb(next) || redirects >= MOST_REDIRECTS) {
      return refused(`it answers ${result.status} and leads nowhere (${redirects + 1} redirects)`);
    }
    if (url.protocol === "https:" && next.protocol === "http:") {
      return refused("it redirects from https to http, where everybody could read the message");
    }
    if (post.staysOnHost === true && next.host !== first.host) {
      return refused("it redirects to another host, which must not get its key");
    }
    url = next;
  }
}

function refused(problem: string): Posted {
  return { kind: "refused", problem, mayHaveArrived: false };
}

function judge(result: ExchangeResult, post: Post, { clock, redact }: Delivery): Posted {
  if (!result.answered) {
    const { reason, what, mayHaveArrived } = result;
    // Headers that nobody understands answer nothing, and neither does who is stopped.
    return {
      kind: reason === "malformed" || reason === "aborted" ? "refused" : "later",
      problem: what,
      mayHaveArrived,
    };
  }
  const { status, headers, body } = result;
  const answer = body.toString("utf8");
  if (status >= 200 && status < 300) {
    const problem = post.problemWith?.(answer) ?? null;
    if (problem === null) return { kind: "taken", body: answer };
    return { kind: problem.isPassing ? "later" : "refused", problem: redact(problem.what), mayHaveArrived: false };
  }
  const text = onOneLine(redact(answer.slice(0, 4_096)));
  const problem = `it answers ${status}${text === "" ? "" : `: ${text}`}`;
  if (status !== 408 && status !== 429 && status < 500) return refused(problem);
  const retryAfterMs = retryAfter(headers["retry-after"], clock.wall());
  return { kind: "later", problem, mayHaveArrived: false, ...(retryAfterMs === undefined ? {} : { retryAfterMs }) };
}

/** Seconds, or a date (RFC 9110, 10.2.3). */
function retryAfter(value: string | undefined, now: Instant): Duration | undefined {
  if (value === undefined) return undefined;
  if (/^\d+$/.test(value.trim())) return Number(value) * SECOND;
  const at = Date.parse(value);
  return Number.isNaN(at) ? undefined : Math.max(0, at - now);
}
