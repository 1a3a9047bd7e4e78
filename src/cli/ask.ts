import { createInterface } from "node:readline/promises";
import { FaultError } from "../core/fault.ts";
import type { Context } from "./context.ts";
import { wrap } from "./render/text.ts";

/**
 * Asks once before something happens. Faults: confirmation-missing, where nobody can be asked and `--yes` was not
 * given; not-confirmed, when the answer is no; interrupted, when it is Ctrl-C.
 */
export async function confirm({ terminal }: Context, does: string, isYes: boolean): Promise<void> {
  if (isYes) return;
  if (!terminal.canAsk) {
    throw new FaultError({
      code: "confirmation-missing",
      what: `Nobody can be asked here, and nothing was changed. It would do this: ${does}`,
      fix: "add --yes",
    });
  }
  terminal.complain(wrap(does, terminal.style().width).join("\n"));
  const said = await ask(terminal, "Go on? [y/N] ");
  if (said !== null && /^y(es)?$/i.test(said.trim())) return;
  throw new FaultError({ code: said === null ? "interrupted" : "not-confirmed", what: "Nothing was changed." });
}

/** One line of a person's; empty at the end of the input, null at Ctrl-C. */
async function ask({ input, questions }: Context["terminal"], question: string): Promise<string | null> {
  const lines = createInterface({ input, output: questions, terminal: true });
  const closed = new Promise<string>((resolve) => lines.once("close", () => resolve("")));
  const interrupted = new Promise<null>((resolve) => lines.once("SIGINT", () => resolve(null)));
  try {
    const said = await Promise.race([lines.question(question), closed, interrupted]);
    // What is said next must not stand behind the question.
    if (said === null) questions.write("\n");
    return said;
  } finally {
    lines.close();
  }
}
