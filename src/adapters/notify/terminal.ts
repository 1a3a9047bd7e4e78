import type { Message } from "../../core/release/effect.ts";
import { onOneLine } from "../../core/text/plain-text.ts";
import type { MessageContext } from "../../ports/notifier.ts";

/** Takes one line, without its end. Whoever draws the terminal decides where it goes. */
export type TerminalSink = (line: string) => void;

/** The message as two lines, three where there is something to do next. */
export function deliverToTerminal(message: Message, context: MessageContext, sink: TerminalSink): void {
  sink(onOneLine(`${context.app} ${context.environment} · release ${context.release} · ${message.title}`, 400));
  sink(`  ${onOneLine(message.sentence, 400)}`);
  if (message.command !== undefined) sink(`  next  ${onOneLine(message.command, 400)}`);
}
