import { type Headers, readHeaders, type Said, saidBy, wordOf } from "../../../migrations/lint/headers.ts";

export interface Comments extends Headers {
  /** Whether what fails in the middle leaves nothing behind; null: it does not say. */
  readonly isInTransaction: boolean | null;
}

const COMMENT = /^[ \t]*(?:#|\/\/|--|\*)+[ \t]*tidegate:(.*)$/gim;
const WORD = /\b(phase|reversible|transaction)\s*[=:]\s*([\w-]+|\S*)/gi;

/** What a file of any language says of itself: `# tidegate: phase=contract`, `// tidegate: phase=expand, reversible=no`. */
export function commentsOf(text: string): Comments {
  const said = [...text.matchAll(COMMENT)].flatMap(({ 1: words = "", index }): readonly Said[] =>
    [...words.matchAll(WORD)].map((word) => ({ ...saidBy(word), at: index })),
  );
  const transaction = wordOf(said, "transaction");
  return { isInTransaction: transaction === null ? null : transaction === "yes", ...readHeaders(said, text) };
}
