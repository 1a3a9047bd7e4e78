import { createHash } from "node:crypto";
import { isIP } from "node:net";
import { hostname } from "node:os";
import { createTransport } from "nodemailer";
import type { Message } from "../../core/release/effect.ts";
import { FaultError } from "../../core/fault.ts";
import type { NotifyTarget } from "../../core/plan/receiver.ts";
import { onOneLine } from "../../core/text/plain-text.ts";
import { redactor } from "../../core/text/redact.ts";
import { SECOND } from "../../core/time/time.ts";
import type { Delivered, MessageContext } from "../../ports/notifier.ts";
import { mailText } from "./email-text.ts";
import type { Delivery } from "./post.ts";
import { type Became, type Called, filledIn, notDelivered } from "./settings.ts";
import { smtpServer, type SmtpServer } from "./smtp-server.ts";

type Email = Extract<NotifyTarget, { readonly kind: "email" }>;

const FIX =
  "check smtp: in the plan file, that the server lets Tidegate in, and the addresses; then: tidegate notify test";

/**
 * Sends the message as a mail, one to all. It is given up at the first failure, for the engine to try again: unless the
 * server had all of it and was not heard of again. Recipients whom the server refuses are told, the others get theirs.
 */
export async function deliverByMail(
  message: Message,
  email: Email,
  context: MessageContext,
  settings: Delivery,
): Promise<Delivered> {
  const called: Called = { receiver: `The mail server of "${email.name}"`, fix: FIX };
  const server = smtpServer(filledIn(email.smtp, called, "address", settings), called);
  const hidden = redactor(spellingsOf(server));
  const redact = (text: string): string => settings.redact(hidden.text(text));
  const progress = { isSent: false };
  const fail = (cause: string, became: Became): FaultError =>
    notDelivered(called, message.title, {
      where: `${server.host}:${server.port}`,
      cause: redact(cause),
      became,
    });
  const timeoutMs = settings.timeoutMs ?? 10 * SECOND;
  const transport = createTransport({
    host: server.host,
    port: server.port,
    secure: server.isSecure,
    requireTLS: server.needsTls,
    connectionTimeout: timeoutMs,
    greetingTimeout: timeoutMs,
    socketTimeout: 2 * timeoutMs,
    disableFileAccess: true,
    disableUrlAccess: true,
    ...(server.user === undefined ? {} : { auth: { user: server.user, pass: server.password ?? "" } }),
    tls: {
      rejectUnauthorized: server.isSecure || !server.isHere,
      ...(settings.authority === undefined ? {} : { ca: settings.authority }),
      ...(isIP(server.host) === 0 ? { servername: server.host } : {}),
    },
    transactionLog: true,
    logger: watching(progress),
  });
  const to = email.to.map((address) => filledIn(address, called, "recipient", settings));
  try {
    const { rejected, rejectedErrors } = await transport.sendMail({
      from: email.from === undefined ? defaultFrom(server) : filledIn(email.from, called, "sender", settings),
      to: [...to],
      ...mailText(message, context),
      ...threadOf(message, email, context),
      signal: settings.signal,
    });
    const refused = rejected.map((address, index) => {
      const said = rejectedErrors?.[index]?.response ?? "refused";
      return onOneLine(redact(`${address}: ${said}`));
    });
    return refused.length === 0 ? {} : { refused };
  } catch (error) {
    if (error instanceof FaultError) throw error;
    const { message: text, responseCode } = error as Error & { readonly responseCode?: number };
    if (settings.signal.aborted)
      throw fail("stopped before the server took it", progress.isSent ? "uncertain" : "stopped");
    throw fail(onOneLine(text), progress.isSent && responseCode === undefined ? "uncertain" : "not-delivered");
  } finally {
    transport.close();
  }
}

/** The password as it is written in an address, and as it goes to the server, which may say it again where it refuses it. */
function spellingsOf({ user = "", password = "" }: SmtpServer): readonly string[] {
  if (password === "") return [];
  const base64 = (text: string): string => Buffer.from(text).toString("base64");
  return [password, encodeURIComponent(password), base64(password), base64(`\0${user}\0${password}`)];
}

/** nodemailer tells of all that is said: from the server's 354 on the message is on its way. */
function watching(progress: { isSent: boolean }) {
  const ignore = (): void => undefined;
  const look = (entry: unknown, text: unknown): void => {
    const { tnx } = (entry ?? {}) as { readonly tnx?: string };
    if (tnx === "server" && /^354\b/.test(String(text))) progress.isSent = true;
  };
  return { level: ignore, trace: ignore, debug: look, info: ignore, warn: ignore, error: ignore, fatal: ignore };
}

function defaultFrom({ user }: SmtpServer): string {
  return user?.includes("@") === true ? user : `tidegate@${hostname()}`;
}

/** All mails about a release hang on the first one, which programs show as one conversation. Source: RFC 5322, 3.6.4. */
function threadOf(
  { at, topic, alert, sentence }: Message,
  { name }: Email,
  { app, environment, release }: MessageContext,
): { readonly messageId: string; readonly references: string; readonly inReplyTo: string } {
  const domain = `${environment}.${app}.tidegate.invalid`;
  const own = createHash("sha256")
    .update(JSON.stringify([name, topic, at, alert, sentence]))
    .digest("hex")
    .slice(0, 24);
  const root = `<release-${release}@${domain}>`;
  return { messageId: `<release-${release}-${own}@${domain}>`, references: root, inReplyTo: root };
}
