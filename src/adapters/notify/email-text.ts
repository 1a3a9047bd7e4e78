import type { Message } from "../../core/release/effect.ts";
import { onOneLine } from "../../core/text/plain-text.ts";
import type { MessageContext } from "../../ports/notifier.ts";
import { topicInWords } from "./topic-words.ts";

/** Subject and text of a mail: plain, because it must be readable everywhere. */
export function mailText(
  { topic, title, sentence, command, at, alert }: Message,
  { app, environment, release }: MessageContext,
): { readonly subject: string; readonly text: string } {
  const words = alert?.act === "resolve" ? "over" : topicInWords(topic);
  const lines = [
    onOneLine(sentence, 4_000),
    "",
    `release  ${release} of ${app} in ${environment}`,
    `what     ${onOneLine(title, 400)}`,
    ...(at === undefined ? [] : [`since    ${new Date(at).toISOString()}`]),
    ...(command === undefined ? [] : [`next     ${onOneLine(command, 400)}`]),
    "",
    "Sent by Tidegate.",
  ];
  return { subject: `[${app} ${environment}] release ${release} ${words}`, text: `${lines.join("\n")}\n` };
}
