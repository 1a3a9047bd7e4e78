import type { Ended } from "../../e2e/support/command.ts";
import { startCommand } from "../../e2e/support/command.ts";

export interface ProgramOptions {
  readonly cwd: string;
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly node?: readonly string[];
}

/** Runs `tidegate …` to its end, in a terminal that is none: no colours, UTF-8. */
export function tidegate(args: readonly string[], { cwd, env = {}, node }: ProgramOptions): Promise<Ended> {
  return startCommand(args, {
    cwd,
    env: { PATH: process.env["PATH"], HOME: cwd, LANG: "C.UTF-8", TIDEGATE_USER: "ann", ...env },
    ...(node === undefined ? {} : { node }),
  }).ended;
}
