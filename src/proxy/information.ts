import type { ServerResponse } from "node:http";
import type { RawHead } from "./answer-parser.ts";
import { answerHeaderKind } from "./header-names.ts";

/** Passes an interim answer (1xx) on: 100 to those who asked for it, any other (103 Early Hints) as it is. */
export function passInformation(response: ServerResponse, { status, message, rawHeaders }: RawHead): void {
  if (response.headersSent) return;
  if (status === 100) {
    if (response.req.headers.expect !== undefined) response.writeContinue();
    return;
  }
  let text = `HTTP/1.1 ${status} ${message}\r\n`;
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const name = rawHeaders[i] as string;
    const value = rawHeaders[i + 1] as string;
    if (answerHeaderKind(name) === "end-to-end" && isHeader(name, value)) text += `${name}: ${value}\r\n`;
  }
  // Behind another answer on the same connection it has no socket yet, and hints may be left out.
  response.socket?.write(`${text}\r\n`, "latin1");
}

/** What node:http checks by itself where a header goes through it. */
function isHeader(name: string, value: string): boolean {
  return /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/.test(name) && /^[\t\x20-\x7e\x80-\xff]*$/.test(value);
}
