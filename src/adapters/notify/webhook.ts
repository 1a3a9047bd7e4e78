import { createHash, createHmac } from "node:crypto";
import type { Message } from "../../core/release/effect.ts";
import { FaultError } from "../../core/fault.ts";
import type { NotifyTarget } from "../../core/plan/receiver.ts";
import { type Instant, SECOND } from "../../core/time/time.ts";
import type { MessageContext } from "../../ports/notifier.ts";
import { type Delivery, postMessage } from "./post.ts";
import { type Called, filledIn, webAddress } from "./settings.ts";

type Webhook = Extract<NotifyTarget, { readonly kind: "webhook" }>;

/** POSTs the message as JSON. It has the same idempotency key, or webhook-id, however often it is sent. */
export async function deliverToWebhook(
  message: Message,
  webhook: Webhook,
  context: MessageContext,
  settings: Delivery,
): Promise<void> {
  const called: Called = {
    receiver: `The webhook "${webhook.name}"`,
    fix: "check the webhook's address in the plan file and that its service works",
  };
  const url = webAddress(webhook.url, called, settings);
  const { secret } = webhook;
  const key =
    secret === undefined ? null : signingKey(filledIn(secret, called, "secret to sign with", settings), called);
  const said = saidOf(message, context);
  const body = JSON.stringify(key === null ? said : standardPayload(message, said));
  const id = createHash("sha256").update(`${webhook.name}\n${body}`).digest("hex").slice(0, 32);
  const headers = (now: Instant): Readonly<Record<string, string>> =>
    key === null ? { "idempotency-key": id } : signature(key, `msg_${id}`, Math.floor(now / SECOND), body);
  await postMessage({ ...called, title: message.title, url, body, headers, isRepeatable: true }, settings);
}

/** `text` is what Slack, Mattermost and Teams show; the rest is for programs. */
function saidOf(
  { topic, title, sentence, command, at, alert }: Message,
  { app, environment, release }: MessageContext,
): Readonly<Record<string, unknown>> {
  const text = [`${app} ${environment} · release ${release} · ${title}`, sentence, command].filter(Boolean).join("\n");
  return { text, app, environment, release, topic, title, sentence, command, atMs: at, alert };
}

/** Source: Standard Webhooks, "Payload structure". */
function standardPayload(
  { topic, at }: Message,
  data: Readonly<Record<string, unknown>>,
): Readonly<Record<string, unknown>> {
  const timestamp = at === undefined ? {} : { timestamp: new Date(at).toISOString() };
  return { type: `release.${topic.replaceAll("-", "_")}`, ...timestamp, data };
}

/** Source: Standard Webhooks, "Symmetric": the key in base64 behind `whsec_`, of 24 to 64 bytes. */
export function signingKey(secret: string, { receiver, fix }: Called): Buffer {
  const encoded = /^whsec_([A-Za-z0-9+/]+={0,2})$/.exec(secret.trim())?.[1];
  const key = encoded === undefined ? null : Buffer.from(encoded, "base64");
  if (key !== null && key.length >= 24 && key.length <= 64) return key;
  throw new FaultError({
    code: "notification-not-delivered",
    what: `${receiver} has no secret to sign with.`,
    cause: "its secret is not whsec_ and 24 to 64 bytes in base64",
    fix,
  });
}

/** Source: Standard Webhooks, "Signature scheme": HMAC-SHA256 of `id.timestamp.payload`, with the try's own time in seconds. */
export function signature(key: Buffer, id: string, timestamp: number, body: string): Readonly<Record<string, string>> {
  const signed = createHmac("sha256", key).update(`${id}.${timestamp}.${body}`).digest("base64");
  return { "webhook-id": id, "webhook-timestamp": String(timestamp), "webhook-signature": `v1,${signed}` };
}
