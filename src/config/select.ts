import { compile } from "@jmespath-community/jmespath";

/** What is wrong with a JMESPath, in words; null: nothing. */
export function readSelect(expression: string): string | null {
  try {
    compile(expression);
    return null;
  } catch (error) {
    const cause = error instanceof Error ? error.message : String(error);
    return cause.replace(/^(?:Syntax|Lexer) error: ?/i, "").replace(/\.$/, "");
  }
}
