import type { ServerResponse } from "node:http";
import { answerHeaderKind } from "./header-names.ts";

/** An interim answer (1xx) of an instance. */
export interface Information {
  readonly statusCode: number;
  readonly statusMessage: string;
  readonly rawHeaders: readonly string[];
}

/** Passes an interim answer on: 100 to those who asked for it, any other (103 Early Hints) as it is. */
export function passInformation(response: ServerResponse, information: Information): void {
  if (response.headersSent) return;
  const { statusCode, statusMessage, rawHeaders } = information;
  if (statusCode === 100) {
    if (response.req.headers.expect !== undefined) response.writeContinue();
    return;
  }
  let text = `HTTP/1.1 ${statusCode} ${statusMessage}\r\n`;
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const name = rawHeaders[i] as string;
    if (answerHeaderKind(name) === "end-to-end") text += `${name}: ${rawHeaders[i + 1]}\r\n`;
  }
  // Behind another answer on the same connection it has no socket yet, and hints may be left out.
  response.socket?.write(`${text}\r\n`, "latin1");
}
