import { openLine, type Reader } from "./line.ts";

/** As much of PostgreSQL as a shop needs. Source: "Frontend/Backend Protocol" of its manual, version 3.0. */
export interface Postgres {
  /** Values as text, in place of `$1`, `$2` …; answers the rows. */
  query(text: string, values?: readonly string[]): Promise<readonly (readonly (string | null)[])[]>;
}

type Row = readonly (string | null)[];

interface Result {
  readonly rows: readonly Row[];
  readonly error: string | null;
}

export function openPostgres(): Postgres {
  const line = openLine(process.env["POSTGRES_HOST"] ?? "localhost", 5432, async (ask) => {
    const { error } = await ask(startup("shop", "shop"), untilReady);
    if (error !== null) throw new Error(error);
  });
  return {
    async query(text, values = []) {
      const { rows, error } = await line.ask(extendedQuery(text, values), untilReady);
      if (error !== null) throw new Error(error);
      return rows;
    },
  };
}

function startup(user: string, database: string): Buffer {
  const body = Buffer.concat([
    int32(196_608),
    text("user"),
    text(user),
    text("database"),
    text(database),
    Buffer.of(0),
  ]);
  return Buffer.concat([int32(body.length + 4), body]);
}

/** Parse, bind, describe, execute, sync: values never become a part of the statement. */
function extendedQuery(statement: string, values: readonly string[]): Buffer {
  const bound = values.map((value) => Buffer.concat([int32(Buffer.byteLength(value)), Buffer.from(value)]));
  return Buffer.concat([
    message("P", Buffer.concat([text(""), text(statement), int16(0)])),
    message("B", Buffer.concat([text(""), text(""), int16(0), int16(values.length), ...bound, int16(0)])),
    message("E", Buffer.concat([text(""), int32(0)])),
    message("S", Buffer.alloc(0)),
  ]);
}

/** Everything up to "ready for query". */
const untilReady: Reader<Result> = (received) => {
  const rows: Row[] = [];
  let error: string | null = null;
  for (let at = 0; at + 5 <= received.length;) {
    const kind = String.fromCharCode(received[at] ?? 0);
    const end = at + 1 + received.readInt32BE(at + 1);
    if (end > received.length) return null;
    const body = received.subarray(at + 5, end);
    if (kind === "D") rows.push(rowOf(body));
    if (kind === "E") error = /M([^\0]*)\0/.exec(body.toString("utf8"))?.[1] ?? "PostgreSQL refused it";
    // Who asks for a password is not answered here: the network is the project's own.
    if (kind === "R" && body.readInt32BE(0) !== 0) throw new Error("PostgreSQL asks for a password");
    if (kind === "Z") return { value: { rows, error }, size: end };
    // After an error at the start nothing else follows.
    if (kind === "E" && /\0?SFATAL\0/.test(body.toString("utf8"))) return { value: { rows, error }, size: end };
    at = end;
  }
  return null;
};

function rowOf(body: Buffer): Row {
  const row: (string | null)[] = [];
  let at = 2;
  for (let column = 0; column < body.readInt16BE(0); column += 1) {
    const length = body.readInt32BE(at);
    at += 4;
    row.push(length < 0 ? null : body.toString("utf8", at, at + length));
    at += Math.max(0, length);
  }
  return row;
}

function message(kind: string, body: Buffer): Buffer {
  return Buffer.concat([Buffer.from(kind), int32(body.length + 4), body]);
}

function text(value: string): Buffer {
  return Buffer.concat([Buffer.from(value), Buffer.of(0)]);
}

function int32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32BE(value);
  return bytes;
}

function int16(value: number): Buffer {
  const bytes = Buffer.alloc(2);
  bytes.writeInt16BE(value);
  return bytes;
}
