import type { Fault } from "../core/fault.ts";
import type { Message } from "../core/release/effect.ts";
import type { NotifyTarget } from "../core/plan/receiver.ts";

/** What every message says of its release. */
export interface MessageContext {
  readonly app: string;
  readonly environment: string;
  readonly release: number;
  /** What the receiver called the release's first message: later ones go beneath it, where it can do that. */
  readonly thread?: string;
}

/** What the receiver said when it took a message. */
export interface Delivered {
  /** What it calls the message, for later ones to go beneath it. */
  readonly thread?: string;
  /** Of several recipients, those that it does not take, and why. */
  readonly refused?: readonly string[];
}

export interface ReceiverCheck {
  /** What is wrong with a receiver's settings; null: nothing that could be said without sending. */
  check(target: NotifyTarget): Fault | null;
}

export interface Notifier {
  /**
   * Delivers one message, trying again as it sees fit until `signal` ends that; never blocks a release's way back.
   * Throws FaultError `notification-not-delivered`; `notification-uncertain` where it may have arrived all the same;
   * `notification-stopped` where `signal` ended it before anything could.
   */
  deliver(
    message: Message,
    target: NotifyTarget,
    context: MessageContext,
    signal: AbortSignal,
  ): Promise<Delivered | void>;
  /**
   * Who looks after an alert, as its receiver knows; null: nobody yet, or it can't be asked. Throws FaultError
   * `acknowledgement-unknown`.
   */
  acknowledgedBy?(alertKey: string, target: NotifyTarget, signal: AbortSignal): Promise<string | null>;
}
