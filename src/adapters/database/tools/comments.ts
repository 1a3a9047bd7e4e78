import { saidToTidegate, wordOf } from "../../../migrations/lint/header-words.ts";
import { type Headers, readHeaders } from "../../../migrations/lint/headers.ts";

export interface Comments extends Headers {
  /** Whether what fails in the middle leaves nothing behind; null: it does not say. */
  readonly isInTransaction: boolean | null;
}

/** What a file of any language says of itself to Tidegate. */
export function commentsOf(text: string): Comments {
  const said = saidToTidegate(text);
  const transaction = wordOf(said, "transaction");
  return { isInTransaction: transaction === null ? null : transaction === "yes", ...readHeaders(said, text) };
}
