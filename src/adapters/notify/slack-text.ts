import type { Message } from "../../core/release/effect.ts";
import { onOneLine } from "../../core/text/plain-text.ts";
import type { MessageContext } from "../../ports/notifier.ts";
import { signOf, topicInWords } from "./topic-words.ts";

/** What a message of Slack's is made of. Source: Slack, "Block Kit". */
export interface SlackText {
  /** For notifications on a phone, and whoever reads no blocks. */
  readonly text: string;
  readonly blocks: readonly Readonly<Record<string, unknown>>[];
}

/** A section holds 3 000 characters of text; what is longer than this nobody reads in a chat. */
const LONGEST = 2_000;

/** The topic and where it happens, the sentence, and what the reader can do. */
export function slackText({ topic, title, sentence, command, alert }: Message, context: MessageContext): SlackText {
  const { app, environment, release } = context;
  const words = alert?.act === "resolve" ? "over" : topicInWords(topic);
  const said = escaped(onOneLine(sentence, LONGEST));
  const blocks: Readonly<Record<string, unknown>>[] = [
    section(`${signOf(topic, alert?.act)} *${words}* · ${escaped(onOneLine(title, 200))}\n${said}`),
    footer([
      escaped(`${app} · ${environment} · release ${release}`),
      ...(command === undefined ? [] : [`next: \`${escaped(onOneLine(command, 200)).replaceAll("`", "'")}\``]),
    ]),
  ];
  return { text: `${signOf(topic, alert?.act)} ${words} · ${escaped(onOneLine(title, 200))}: ${said}`, blocks };
}

function section(text: string): Readonly<Record<string, unknown>> {
  return { type: "section", text: { type: "mrkdwn", text } };
}

function footer(texts: readonly string[]): Readonly<Record<string, unknown>> {
  return { type: "context", elements: texts.map((text) => ({ type: "mrkdwn", text })) };
}

/** Source: Slack, "Formatting text": these three alone mean something; `@channel` can't be said without them. */
function escaped(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}
