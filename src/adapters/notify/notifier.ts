import type { Message } from "../../core/release/effect.ts";
import type { NotifyTarget } from "../../core/plan/receiver.ts";
import type { Delivered, MessageContext, Notifier, ReceiverCheck } from "../../ports/notifier.ts";
import { checkReceiver } from "./check.ts";
import { deliverToAlertmanager } from "./alertmanager.ts";
import { acknowledgedAtPagerDuty, deliverToPagerDuty } from "./pagerduty.ts";
import type { Delivery } from "./post.ts";
import type { DeliverySettings } from "./settings.ts";
import { deliverToSlack } from "./slack.ts";
import { deliverToTerminal, type TerminalSink } from "./terminal.ts";
import { deliverToWebhook } from "./webhook.ts";

export interface NotifierSettings extends DeliverySettings {
  readonly terminal: TerminalSink;
}

/** Delivers to whatever a target names. Faults: notification-not-delivered, notification-uncertain. */
export function createNotifier(settings: NotifierSettings): Notifier & ReceiverCheck {
  return {
    deliver: (message, target, context, signal) =>
      deliver(withoutSecrets(message, settings.redact), target, context, settings, signal),
    check: (target) => checkReceiver(target, settings),
    acknowledgedBy: async (alertKey, target, signal) =>
      target.kind === "pagerduty" ? acknowledgedAtPagerDuty(alertKey, target, { ...settings, signal }) : null,
  };
}

async function deliver(
  message: Message,
  target: NotifyTarget,
  context: MessageContext,
  settings: NotifierSettings,
  signal: AbortSignal,
): Promise<Delivered | void> {
  const delivery: Delivery = { ...settings, signal };
  switch (target.kind) {
    case "terminal":
      return deliverToTerminal(message, context, settings.terminal);
    case "webhook":
      return deliverToWebhook(message, target, context, delivery);
    case "slack":
      return deliverToSlack(message, target, context, delivery);
    case "email": {
      // Most plans send none, and no command should load what sends it for nothing.
      const { deliverByMail } = await import("./email.ts");
      return deliverByMail(message, target, context, delivery);
    }
    case "pagerduty":
      return deliverToPagerDuty(message, target, context, delivery);
    case "alertmanager":
      return deliverToAlertmanager(message, target, context, delivery);
  }
}

function withoutSecrets(message: Message, redact: (text: string) => string): Message {
  const { title, sentence, command } = message;
  return {
    ...message,
    title: redact(title),
    sentence: redact(sentence),
    ...(command === undefined ? {} : { command: redact(command) }),
  };
}
