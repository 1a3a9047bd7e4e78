import { withoutFullStop } from "../../core/text/plain-text.ts";
import { FaultError } from "../../core/fault.ts";
import type { Notice } from "../../ports/notice.ts";
import { printedBy } from "./program.ts";

interface Look {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly encryptTo: readonly string[];
  readonly signal: AbortSignal;
}

/** What a person should know of backups before they need one. */
export async function noticesOf(
  ofDatabase: readonly Notice[],
  { env, encryptTo, signal }: Look,
): Promise<readonly Notice[]> {
  const age =
    encryptTo.length === 0
      ? ""
      : await printedBy({ program: "age", arguments: ["--version"], env, redact: String, signal });
  return [
    ...ofDatabase,
    ...(age === null
      ? [
          {
            about: "backups",
            level: "warn",
            sentence: "there is no `age` to encrypt them with",
            fix: "apt-get install age",
          } as const,
        ]
      : []),
  ];
}

/** A fault as something to know of; what is wrong with a database stops no look at the rest. */
export function noticeOf(error: unknown): Notice {
  if (!(error instanceof FaultError)) throw error;
  const { what, cause, where, fix } = error.fault;
  return {
    about: "database",
    level: "warn",
    sentence: `${withoutFullStop(what)}${cause === undefined ? "" : `: ${cause}`}`,
    ...(where === undefined ? {} : { where }),
    ...(fix === undefined ? {} : { fix }),
  };
}
