import type { Message } from "../core/release/effect.ts";
import type { NotifyTarget } from "../core/plan/plan.ts";

/**
 * Delivers one message, trying again as it sees fit until `signal` ends that. Throws FaultError
 * `notification-not-delivered`; never blocks a release's way back.
 */
export interface Notifier {
  deliver(
    message: Message,
    target: NotifyTarget,
    context: { readonly app: string; readonly environment: string; readonly release: number },
    signal: AbortSignal,
  ): Promise<void>;
}
