import assert from "node:assert/strict";
import { describe, it } from "node:test";
import * as fc from "fast-check";
import { readAnswerHead } from "../../src/proxy/answer-head.ts";
import { AnswerParser, type Framing } from "../../src/proxy/answer-parser.ts";

interface Read {
  status: number;
  message: string;
  headers: readonly string[];
  body: string;
  trailers: readonly string[];
  informations: number[];
  ended: boolean;
  bad: boolean;
}

/** Feeds the text in pieces that end at the given places, each in a buffer that is overwritten afterwards. */
function read(text: string, cuts: readonly number[] = [], { isHead = false, closes = true } = {}): Read {
  const seen: Read = {
    status: 0,
    message: "",
    headers: [],
    body: "",
    trailers: [],
    informations: [],
    ended: false,
    bad: false,
  };
  const parser = new AnswerParser({
    onInformation: ({ status }) => void seen.informations.push(status),
    onHead: (raw): Framing | null => {
      const head = readAnswerHead(raw, true);
      if (head === null) return null;
      seen.status = raw.status;
      seen.message = raw.message;
      seen.headers = raw.rawHeaders;
      if (isHead || raw.status === 204 || raw.status === 304) return { kind: "none" };
      if (head.isChunked) return { kind: "chunked" };
      return head.length === null ? { kind: "until-close" } : { kind: "length", bytes: head.length };
    },
    onBody: (bytes) => void (seen.body += bytes.toString("latin1")),
    onEnd: (trailers) => {
      assert.equal(seen.ended, false, "it ends once");
      seen.ended = true;
      seen.trailers = trailers;
    },
  });
  parser.begin();
  const places = [...new Set([0, ...cuts.map((cut) => cut % (text.length + 1)), text.length])].sort((a, b) => a - b);
  for (let i = 1; i < places.length; i += 1) {
    const piece = Buffer.from(text.slice(places[i - 1], places[i]), "latin1");
    parser.feed(piece);
    piece.fill(0);
  }
  if (closes) parser.close();
  seen.bad = parser.isBad;
  return seen;
}

const OK = "HTTP/1.1 200 OK\r\n";

describe("answers are read", () => {
  const WELL: readonly (readonly [string, string, Partial<Read>])[] = [
    ["with a length", `${OK}Content-Length: 5\r\n\r\nhello`, { body: "hello" }],
    ["with a length of nothing", `${OK}Content-Length: 0\r\n\r\n`, { body: "" }],
    ["in chunks", `${OK}Transfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n2;x=y\r\nlo\r\n0\r\n\r\n`, { body: "hello" }],
    [
      "with trailers",
      `${OK}Transfer-Encoding: Chunked\r\n\r\nA\r\n0123456789\r\n0\r\nX-Sum: 1\r\nx-b:2\r\n\r\n`,
      { body: "0123456789", trailers: ["X-Sum", "1", "x-b", "2"] },
    ],
    ["until the connection closes", `${OK}\r\nhello\r\n\r\n`, { body: "hello\r\n\r\n" }],
    [
      "of HTTP/1.0",
      "HTTP/1.0 404 Not Found\r\nContent-Length: 1\r\n\r\nx",
      { status: 404, message: "Not Found", body: "x" },
    ],
    ["without a reason", "HTTP/1.1 299\r\nContent-Length: 1\r\n\r\nx", { status: 299, message: "" }],
    ["with an empty reason", "HTTP/1.1 200 \r\nContent-Length: 1\r\n\r\nx", { message: "" }],
    ["without a body", "HTTP/1.1 204 No Content\r\nA: b\r\n\r\n", { status: 204, body: "" }],
    [
      "after interim ones",
      `HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n${OK}Content-Length: 1\r\n\r\nx`,
      { informations: [100, 103], body: "x" },
    ],
    [
      "with headers as they are",
      `${OK}A: \t b c \t\r\nempty:\r\nX:\xe9\r\nContent-Length:0\r\n\r\n`,
      { headers: ["A", "b c", "empty", "", "X", "\xe9", "Content-Length", "0"] },
    ],
  ];

  for (const [name, text, expected] of WELL) {
    it(`${name}, in pieces of any size`, () => {
      const whole = read(text);
      assert.deepEqual({ ended: whole.ended, bad: whole.bad }, { ended: true, bad: false });
      for (const [key, value] of Object.entries(expected)) assert.deepEqual(whole[key as keyof Read], value);
      assert.deepEqual(
        read(
          text,
          Array.from({ length: text.length }, (_, i) => i),
        ),
        whole,
      );
      fc.assert(
        fc.property(fc.array(fc.nat(text.length), { maxLength: 6 }), (cuts) =>
          assert.deepEqual(read(text, cuts), whole),
        ),
      );
    });
  }

  it("to a HEAD, which has no body whatever its length says", () => {
    const seen = read(`${OK}Content-Length: 500\r\n\r\n`, [], { isHead: true, closes: false });
    assert.equal(seen.ended, true);
  });

  it("one after the other", () => {
    const statuses: number[] = [];
    const parser = new AnswerParser({
      onInformation: () => undefined,
      onHead: ({ status }) => {
        statuses.push(status);
        return { kind: "length", bytes: 2 };
      },
      onBody: () => undefined,
      onEnd: () => undefined,
    });
    for (const status of [200, 404, 500]) {
      parser.begin();
      parser.feed(Buffer.from(`HTTP/1.1 ${status} X\r\n\r\nab`));
      assert.equal(parser.isDone, true);
    }
    assert.deepEqual(statuses, [200, 404, 500]);
  });
});

describe("answers that two readers could read differently, or that are none, are bad", () => {
  const BAD: readonly (readonly [string, string])[] = [
    ["another protocol", "SSH-2.0-x\r\n\r\n"],
    ["HTTP/2", "HTTP/2 200 OK\r\n\r\n"],
    ["HTTP/1.2", "HTTP/1.2 200 OK\r\n\r\n"],
    ["a status of two digits", "HTTP/1.1 20 OK\r\n\r\n"],
    ["a status of four digits", "HTTP/1.1 2000 OK\r\n\r\n"],
    ["a status below 100", "HTTP/1.1 099 OK\r\n\r\n"],
    ["two spaces before the status", "HTTP/1.1  200 OK\r\n\r\n"],
    ["a switch of protocols that nobody asked for", "HTTP/1.1 101 Switching\r\nUpgrade: x\r\n\r\n"],
    ["a length and chunks", `${OK}Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`],
    ["two lengths", `${OK}Content-Length: 5\r\nContent-Length: 5\r\n\r\nhello`],
    ["a list of lengths", `${OK}Content-Length: 5, 5\r\n\r\nhello`],
    ["a signed length", `${OK}Content-Length: +5\r\n\r\nhello`],
    ["no length after all", `${OK}Content-Length:\r\n\r\nhello`],
    ["a length beyond counting", `${OK}Content-Length: 9999999999999999\r\n\r\nhello`],
    ["another coding", `${OK}Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n`],
    ["two codings", `${OK}Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`],
    ["chunks in HTTP/1.0", "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"],
    ["a line that ends with LF", `${OK}A: b\nContent-Length: 5\r\n\r\nhello`],
    ["a line that ends with CR", `${OK}A: b\rContent-Length: 5\r\n\r\nhello`],
    ["a NUL", `${OK}A: b\0\r\nContent-Length: 5\r\n\r\nhello`],
    ["a folded line", `${OK}A: b\r\n c: d\r\nContent-Length: 0\r\n\r\n`],
    ["a space before the colon", `${OK}Content-Length : 5\r\n\r\nhello`],
    ["a line without a colon", `${OK}hello\r\nContent-Length: 0\r\n\r\n`],
    ["a line without a name", `${OK}: b\r\nContent-Length: 0\r\n\r\n`],
    ["a chunk size that is none", `${OK}Transfer-Encoding: chunked\r\n\r\nxyz\r\n`],
    ["a chunk size with a sign", `${OK}Transfer-Encoding: chunked\r\n\r\n-1\r\n`],
    ["a chunk size that overflows", `${OK}Transfer-Encoding: chunked\r\n\r\n1ffffffffffffffff\r\n`],
    ["a chunk size without CR", `${OK}Transfer-Encoding: chunked\r\n\r\n5\nhello\r\n0\r\n\r\n`],
    ["a chunk that is longer than it says", `${OK}Transfer-Encoding: chunked\r\n\r\n2\r\nhello\r\n0\r\n\r\n`],
    ["bytes after its end", `${OK}Content-Length: 2\r\n\r\nokHTTP/1.1 200 OK\r\n\r\n`],
    ["a head without end", `${OK}${"A: b\r\n".repeat(15_000)}`],
    ["a line without end", `${OK}Transfer-Encoding: chunked\r\n\r\n1;${"x".repeat(10_000)}`],
    ["more lines than any header has", `${OK}${"A: b\r\n".repeat(600)}\r\n`],
  ];

  for (const [name, text] of BAD) {
    it(name, () => {
      assert.equal(read(text, [], { closes: false }).bad, true);
      const places = Array.from({ length: Math.min(text.length, 2_000) }, (_, i) => i);
      assert.equal(read(text, places, { closes: false }).bad, true);
    });
  }

  it("and those that end before they have ended", () => {
    for (const text of [
      "",
      "HTTP/1.1 2",
      `${OK}Content-Length: 5\r\n\r\nhell`,
      `${OK}Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n`,
      `${OK}Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n`,
    ]) {
      const seen = read(text);
      assert.deepEqual({ ended: seen.ended, bad: seen.bad }, { ended: false, bad: true });
    }
  });

  it("and no bytes make the reader throw or end twice", () => {
    const piece = fc.constantFrom(
      "HTTP/1.1 200 OK",
      "\r\n",
      "\n",
      "\r",
      "Content-Length: 3",
      "Transfer-Encoding: chunked",
      "3",
      "abc",
      "0",
      ":",
      ";",
      " ",
      "\0",
      "HTTP/1.1 100 C",
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 20 }), fc.array(fc.nat(200), { maxLength: 4 }), (pieces, cuts) => {
        const text = pieces.join("");
        const seen = read(text, cuts);
        assert.ok(seen.ended || seen.bad);
        assert.deepEqual(read(text), seen);
      }),
      { numRuns: 2_000 },
    );
  });
});
