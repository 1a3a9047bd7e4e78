import { createInterface } from "node:readline/promises";
import { FaultError } from "../core/fault.ts";
import type { Context } from "./context.ts";

/**
 * Asks once before something happens. Faults: confirmation-missing, where nobody can be asked and `--yes` was not
 * given; not-confirmed, when the answer is no.
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
  terminal.complain(does);
  const lines = createInterface({ input: terminal.input, output: process.stderr });
  const closed = new Promise<string>((resolve) => lines.once("close", () => resolve("")));
  try {
    const said = await Promise.race([lines.question("Go on? [y/N] "), closed]);
    if (/^y(es)?$/i.test(said.trim())) return;
  } finally {
    lines.close();
  }
  throw new FaultError({ code: "not-confirmed", what: "Nothing was changed." });
}
