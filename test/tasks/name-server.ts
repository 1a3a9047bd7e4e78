import { createSocket, type Socket } from "node:dgram";
import { once } from "node:events";

const TYPES = { A: 1, AAAA: 28 } as const;

export interface NameServer extends AsyncDisposable {
  /** `127.0.0.1:PORT` */
  readonly address: string;
}

/** A DNS server of one process that knows IPv4 and IPv6 addresses of a few names; "silent" never answers. */
export async function nameServer(names: Readonly<Record<string, readonly string[]>> | "silent"): Promise<NameServer> {
  const socket: Socket = createSocket("udp4");
  socket.on("message", (query, from) => {
    if (names !== "silent") socket.send(answer(query, names), from.port, from.address);
  });
  socket.bind(0, "127.0.0.1");
  await once(socket, "listening");
  return {
    address: `127.0.0.1:${socket.address().port}`,
    async [Symbol.asyncDispose]() {
      socket.close();
      await once(socket, "close");
    },
  };
}

/** The answer to a query with one question (RFC 1035, 4.1). */
function answer(query: Buffer, names: Readonly<Record<string, readonly string[]>>): Buffer {
  const labels: string[] = [];
  let at = 12;
  for (let length = query[at] ?? 0; length > 0; length = query[at] ?? 0) {
    labels.push(query.toString("latin1", at + 1, at + 1 + length));
    at += 1 + length;
  }
  const type = query.readUInt16BE(at + 1);
  const question = query.subarray(12, at + 5);
  const known = names[labels.join(".").toLowerCase()];
  const data = (known ?? []).filter((address) => type === (address.includes(":") ? TYPES.AAAA : TYPES.A)).map(bytesOf);
  const header = Buffer.alloc(12);
  header.writeUInt16BE(query.readUInt16BE(0), 0);
  // An authoritative answer; code 3: there is no such name.
  header.writeUInt16BE(0x8580 | (known === undefined ? 3 : 0), 2);
  header.writeUInt16BE(1, 4);
  header.writeUInt16BE(data.length, 6);
  const records = data.map((bytes) => {
    const record = Buffer.alloc(12);
    // The name is a pointer to the one of the question.
    record.writeUInt16BE(0xc00c, 0);
    record.writeUInt16BE(type, 2);
    record.writeUInt16BE(1, 4);
    record.writeUInt32BE(60, 6);
    record.writeUInt16BE(bytes.length, 10);
    return Buffer.concat([record, bytes]);
  });
  return Buffer.concat([header, question, ...records]);
}

/** IPv6 in its full spelling of eight groups. */
function bytesOf(address: string): Buffer {
  return address.includes(":")
    ? Buffer.from(
        address
          .split(":")
          .map((group) => group.padStart(4, "0"))
          .join(""),
        "hex",
      )
    : Buffer.from(address.split(".").map(Number));
}
