import type { ReleaseEvent } from "../release/event.ts";
import type { Fault } from "../fault.ts";

/** What becomes of a command. */
export type CommandAnswer =
  | { readonly kind: "accepted"; readonly events: readonly ReleaseEvent[]; readonly sentence: string }
  /** `already`: it is as asked; nothing to do is no failure. */
  | { readonly kind: "already"; readonly sentence: string }
  | { readonly kind: "refused"; readonly fault: Fault };

/** `sentence`: what the person is told. */
export function accept(events: readonly ReleaseEvent[], sentence: string): CommandAnswer {
  return { kind: "accepted", events, sentence };
}

/** `fix`: what to do instead. */
export function refuse(code: string, what: string, fix?: string): CommandAnswer {
  return { kind: "refused", fault: { code, what, ...(fix === undefined ? {} : { fix }) } };
}
