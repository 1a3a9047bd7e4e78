import type { Message } from "../core/effect.ts";
import type { NotifyTarget } from "../core/plan.ts";

/** Delivers one message. Throws FaultError `notification-not-delivered`; never blocks a release's way back. */
export interface Notifier {
  deliver(
    message: Message,
    target: NotifyTarget,
    context: { readonly app: string; readonly environment: string; readonly release: number },
  ): Promise<void>;
}
