import { withoutControls } from "./text/plain-text.ts";

/**
 * What went wrong in the outside world and how a person mends it. A value: faults travel in events, answers and pages.
 * What nobody can mend is an assertion instead, and stops the engine.
 */
export interface Fault {
  /** Stable, kebab-case, for machines and for searching: `traffic-weight-not-applied`. */
  readonly code: string;
  /** One sentence that states the fact. */
  readonly what: string;
  /** The place: a file with line and column, a step, an address. */
  readonly where?: string;
  /** What to do about it, as commands where there are any. */
  readonly fix?: string;
  /** The command in `fix` that does it again: `tidegate migrate up`. Whoever had it done otherwise puts another one in its place. */
  readonly again?: string;
  /** Evidence: the last answer, the last log lines. Already cleaned of secrets. */
  readonly detail?: readonly string[];
  /** What the outside said, in its own words. */
  readonly cause?: string;
  /** Nothing of what was asked for is done: it was refused beforehand, or taken back whole. Absent: something is, or nobody knows. */
  readonly isBeforehand?: true;
}

/** Carries a Fault through a `throw`. Whoever catches it reads `fault`; its stack is for developers only. */
export class FaultError extends Error {
  override readonly name = "FaultError";
  readonly fault: Fault;

  constructor(fault: Fault, options?: ErrorOptions) {
    super(fault.what, options);
    this.fault = fault;
  }
}

/** The fault behind anything thrown: itself for a FaultError, else one that quotes the error under `code`. */
export function faultOf(thrown: unknown, code: string, what: string): Fault {
  if (thrown instanceof FaultError) return thrown.fault;
  return { code, what, cause: thrown instanceof Error ? thrown.message : String(thrown) };
}

/**
 * A fault as people read it: the sentence, then where, cause, fix and code, indented by two spaces. What files and other
 * programs wrote may be quoted in it, and must not speak to the terminal.
 */
export function describeFault(fault: Fault): string {
  return withoutControls(inLines(fault));
}

function inLines(fault: Fault): string {
  const lines = [fault.what];
  const row = (name: string, text: string | undefined): void => {
    if (text === undefined || text === "") return;
    const [first = "", ...rest] = text.split("\n");
    lines.push(`  ${name.padEnd(6)} ${first}`, ...rest.map((line) => `         ${line}`));
  };
  row("where", fault.where);
  row("cause", fault.cause);
  if (fault.detail !== undefined && fault.detail.length > 0) row("seen", fault.detail.join("\n"));
  row("fix", fault.fix);
  row("code", fault.code);
  return lines.join("\n");
}
