import { type Fault, faultOf } from "../../core/fault.ts";
import type { NotifyTarget } from "../../core/plan/receiver.ts";
import { type Called, type DeliverySettings, filledIn, webAddress } from "./settings.ts";
import { smtpServer } from "./smtp-server.ts";
import { signingKey } from "./webhook.ts";

/** What is wrong with a receiver's settings, as far as that can be said without sending anything; null: nothing. */
export function checkReceiver(target: NotifyTarget, settings: DeliverySettings): Fault | null {
  try {
    look(target, settings);
    return null;
  } catch (error) {
    return faultOf(error, "notification-not-delivered", "Its settings can't be read.");
  }
}

function look(target: NotifyTarget, settings: DeliverySettings): void {
  if (target.kind === "terminal") return;
  const called: Called = {
    receiver: `${target.kind} "${target.name}"`,
    fix: "correct the plan file, or the environment",
  };
  const fill = (text: string, what: string): string => filledIn(text, called, what, settings);
  switch (target.kind) {
    case "webhook":
      webAddress(target.url, called, settings);
      if (target.secret !== undefined) signingKey(fill(target.secret, "secret to sign with"), called);
      return;
    case "slack":
      webAddress(target.to.kind === "webhook" ? target.to.url : target.to.api, called, settings);
      if (target.to.kind === "channel") fill(target.to.token, "token");
      return;
    case "email":
      smtpServer(fill(target.smtp, "address"), called);
      for (const address of target.to) fill(address, "recipient");
      return;
    case "pagerduty":
      fill(target.key, "integration key");
      webAddress(target.url, called, settings);
      return;
    case "alertmanager":
      webAddress(target.url, called, settings);
      return;
  }
}
