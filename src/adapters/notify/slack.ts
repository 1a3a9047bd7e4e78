import type { Message } from "../../core/release/effect.ts";
import type { NotifyTarget } from "../../core/plan/receiver.ts";
import type { Delivered, MessageContext } from "../../ports/notifier.ts";
import { type Delivery, type Post, postMessage, type Problem } from "./post.ts";
import { type Called, filledIn, webAddress } from "./settings.ts";
import { slackText } from "./slack-text.ts";

type Slack = Extract<NotifyTarget, { readonly kind: "slack" }>;

/** What the channel sees too when it is said in a thread: nobody must miss it because they did not open that. */
const FOR_EVERYBODY: ReadonlySet<Message["topic"]> = new Set(["needs-person", "rolled-back", "failed", "live"]);

/**
 * Says the message in a channel: by its incoming webhook, or as a bot, which can put what comes later into the thread of
 * the first message. Slack can't tell a second one from the first, so that none is sent where one may have arrived.
 */
export async function deliverToSlack(
  message: Message,
  slack: Slack,
  context: MessageContext,
  settings: Delivery,
): Promise<Delivered> {
  const { to, name } = slack;
  const called: Called = { receiver: `Slack ("${name}")`, fix: fixOf(to) };
  const said = slackText(message, context);
  const post = { ...called, title: message.title, isRepeatable: false, staysOnHost: true } satisfies Partial<Post>;
  if (to.kind === "webhook") {
    const url = webAddress(to.url, called, settings);
    await postMessage({ ...post, url, body: JSON.stringify(said), headers: () => ({}) }, settings);
    return {};
  }
  const token = filledIn(to.token, called, "token", settings);
  const { thread } = context;
  const beneath = thread === undefined ? {} : { thread_ts: thread, reply_broadcast: FOR_EVERYBODY.has(message.topic) };
  const answer = await postMessage(
    {
      ...post,
      url: webAddress(`${to.api.replace(/\/$/, "")}/chat.postMessage`, called, settings),
      body: JSON.stringify({ channel: to.channel, ...said, ...beneath, unfurl_links: false, unfurl_media: false }),
      headers: () => ({ authorization: `Bearer ${token}`, "content-type": "application/json; charset=utf-8" }),
      secrets: [token],
      problemWith: problemOf,
    },
    settings,
  );
  const { ts } = parsed(answer);
  return typeof ts === "string" ? { thread: ts } : {};
}

/** Slack answers 200 to what it does not do. Source: chat.postMessage, "Errors". */
function problemOf(body: string): Problem | null {
  const { ok, error } = parsed(body);
  if (ok === true) return null;
  const code = typeof error === "string" ? error : "an answer that is not Slack's";
  return {
    what: `it answers ${code}`,
    isPassing: ["ratelimited", "rate_limited", "service_unavailable", "internal_error", "fatal_error"].includes(code),
  };
}

function parsed(body: string): { readonly ok?: unknown; readonly error?: unknown; readonly ts?: unknown } {
  try {
    return (JSON.parse(body) ?? {}) as { ok?: unknown };
  } catch {
    return {};
  }
}

function fixOf(to: Slack["to"]): string {
  return to.kind === "webhook"
    ? "check that the incoming webhook still exists in Slack, then: tidegate notify test"
    : "check the bot's token, its scope chat:write, and that it was invited to the channel, then: tidegate notify test";
}
