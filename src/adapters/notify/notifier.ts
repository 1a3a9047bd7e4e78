import type { Notifier } from "../../ports/notifier.ts";
import { deliverToTerminal, type TerminalSink } from "./terminal.ts";
import { deliverToWebhook, type WebhookSettings } from "./webhook.ts";

export interface NotifierSettings extends WebhookSettings {
  readonly terminal: TerminalSink;
}

/** Delivers to whatever a target names. Faults: notification-not-delivered. */
export function createNotifier(settings: NotifierSettings): Notifier {
  return {
    async deliver(message, target, context, signal) {
      if (target.kind === "terminal") deliverToTerminal(message, context, settings.terminal);
      else await deliverToWebhook(message, target, context, { ...settings, signal });
    },
  };
}
