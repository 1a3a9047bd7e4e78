import { openLine, type Reader } from "./line.ts";

export type Answer = string | number | null | readonly Answer[];

/** As much of Redis as a queue needs. Source: the RESP2 protocol. */
export interface Redis {
  call(...words: readonly string[]): Promise<Answer>;
}

export function openRedis(): Redis {
  const line = openLine(process.env["REDIS_HOST"] ?? "localhost", 6379, () => Promise.resolve());
  return {
    async call(...words) {
      const parts = words.map((word) => `$${Buffer.byteLength(word)}\r\n${word}\r\n`);
      const answer = await line.ask(Buffer.from(`*${words.length}\r\n${parts.join("")}`), read);
      if (answer instanceof Error) throw answer;
      return answer;
    },
  };
}

const read: Reader<Answer | Error> = (received) => readAt(received, 0);

function readAt(received: Buffer, from: number): { readonly value: Answer | Error; readonly size: number } | null {
  const end = received.indexOf("\r\n", from);
  if (end < 0) return null;
  const rest = received.toString("utf8", from + 1, end);
  const next = end + 2;
  switch (String.fromCharCode(received[from] ?? 0)) {
    case "+":
      return { value: rest, size: next };
    case "-":
      return { value: new Error(rest), size: next };
    case ":":
      return { value: Number(rest), size: next };
    case "$": {
      const length = Number(rest);
      if (length < 0) return { value: null, size: next };
      if (received.length < next + length + 2) return null;
      return { value: received.toString("utf8", next, next + length), size: next + length + 2 };
    }
    case "*": {
      const values: Answer[] = [];
      let at = next;
      if (Number(rest) < 0) return { value: null, size: next };
      for (let index = 0; index < Number(rest); index += 1) {
        const item = readAt(received, at);
        if (item === null) return null;
        if (item.value instanceof Error) return item;
        values.push(item.value);
        at = item.size;
      }
      return { value: values, size: at };
    }
    default:
      throw new Error("Redis does not speak RESP here");
  }
}
