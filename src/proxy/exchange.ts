import { type ClientRequest, type IncomingMessage, request as send, type ServerResponse } from "node:http";
import type { Duration } from "../core/time.ts";
import { type AnswerHead, readAnswerHead } from "./answer-head.ts";
import type { Assignment } from "./assign.ts";
import type { PooledOptions, PooledRequest } from "./connection-pool.ts";
import { answerHeaderKind, isForbiddenTrailer } from "./header-names.ts";
import type { InFlight, Linked } from "./in-flight.ts";
import type { LiveEndpoint, LongLived } from "./live-endpoint.ts";
import { FAILED, type Observations } from "./observations.ts";
import { LATE_MS, type Patience } from "./patience.ts";
import { type PlaneRefusal, REFUSALS, refuse } from "./refusal.ts";
import type { RequestHead } from "./request-head.ts";
import { routeKey } from "./route-key.ts";
import type { RoutedVersion } from "./routing.ts";

/** What all exchanges of a plane share. */
export interface ExchangeContext {
  readonly observations: Observations;
  readonly patience: Patience;
  readonly inFlight: InFlight<Exchange>;
  readonly waits: Waits;
  /** The process is about to go: answers tell clients to come back on a new connection. */
  isStopping: boolean;
}

const MAX_ANSWER_HEADER_BYTES = 64 * 1024;

/** How long the plane waits for whom. */
export interface Waits {
  /** Without a byte of an answer for this long the client gets 504. */
  readonly answerMs: Duration;
  /** Without a byte of a body that was announced for this long the client gets 408. */
  readonly bodyMs: Duration;
}

export const DEFAULT_WAITS: Waits = { answerMs: 300_000, bodyMs: 30_000 };

/** What is left of a body may still arrive after its request has been answered, for this long. */
const LINGER_MS: Duration = 30_000;
/** A last piece up to this size goes out with the header in one write. */
const SMALL_BYTES = 16 * 1024;
/** The client went away before an answer came: nginx's number for it. */
const CLIENT_GONE = 499;
const EMPTY = Buffer.alloc(0);

/** One request, its way to an instance, and the answer's way back. */
export class Exchange implements Linked, LongLived {
  previous: Linked | null = null;
  next: Linked | null = null;
  readonly startedAt = performance.now();

  private readonly context: ExchangeContext;
  private readonly request: IncomingMessage;
  private readonly response: ServerResponse;
  private readonly head: RequestHead;
  private readonly assignment: Assignment;

  private version: RoutedVersion;
  private fallback: RoutedVersion | null;
  private endpoint: LiveEndpoint | null = null;
  private tried: Set<LiveEndpoint> | undefined;
  private outgoing: PooledRequest | null = null;
  private answer: IncomingMessage | null = null;

  private status = FAILED;
  /** Bytes of the answer's body that have not come yet; −1: nobody said how many. */
  private remaining = -1;
  private hasWritten = false;
  private hasEnded = false;
  private isCut = false;
  private isSettled = false;
  private isCounted: boolean;
  private isLate = false;
  /** When the whole request had arrived; null: its body still comes. */
  private requestDoneAt: number | null;
  private lastBodyAt = 0;
  private isEventStream = false;
  private isAskedToClose = false;
  private isBetweenEvents = true;

  constructor(
    context: ExchangeContext,
    request: IncomingMessage,
    response: ServerResponse,
    head: RequestHead,
    assignment: Assignment,
  ) {
    this.context = context;
    this.request = request;
    this.response = response;
    this.head = head;
    this.assignment = assignment;
    this.version = assignment.version;
    this.fallback = assignment.fallback;
    this.isCounted = !assignment.isEvidence;
    this.requestDoneAt = head.hasBody ? null : this.startedAt;
  }

  /** In the tick in which the table was read: between the two nothing can change. */
  start(): void {
    this.context.inFlight.add(this);
    this.response.on("close", () => this.settle());
    const endpoint = this.nextEndpoint();
    if (endpoint === null) this.fail(REFUSALS.noInstance);
    else this.attempt(endpoint, false);
  }

  /** Looked at now and then once it is not young any more. */
  look(now: number): void {
    const { patience, waits } = this.context;
    this.isLate = true;
    if (this.requestDoneAt === null) {
      if (!this.request.isPaused() && now - this.lastBodyAt > waits.bodyMs) this.fail(REFUSALS.tooSlow);
    } else if (this.answer === null) {
      const waitedMs = now - this.requestDoneAt;
      if (!this.isCounted && waitedMs > patience.limitFor(this.route)) this.count(FAILED);
      if (waitedMs > waits.answerMs) this.fail(REFUSALS.noAnswer);
    }
  }

  /** Event streams: ended between two events, so that the client asks again, elsewhere. */
  askToClose(): void {
    this.isAskedToClose = true;
    if (this.isBetweenEvents) this.cut();
  }

  /** Ends an event stream in an orderly way. */
  cut(): void {
    if (this.hasEnded || this.isSettled) return;
    this.hasEnded = true;
    this.response.end();
    this.outgoing?.destroy();
  }

  private get route(): string {
    return routeKey(this.head.method, this.head.path);
  }

  /** An instance of the assigned version, else of the one that may stand in for it: that is the former's failure. */
  private nextEndpoint(): LiveEndpoint | null {
    const { service } = this.assignment;
    const own = this.version.groups.get(service)?.pick(this.tried) ?? null;
    if (own !== null || this.fallback === null) return own;
    const other = this.fallback.groups.get(service)?.pick(this.tried) ?? null;
    if (other === null) return null;
    this.countFailureOf(this.version);
    this.version = this.fallback;
    this.fallback = null;
    return other;
  }

  private attempt(endpoint: LiveEndpoint, isFresh: boolean): void {
    this.claim(endpoint);
    const { method, path, headers, hasBody } = this.head;
    const options: PooledOptions & Parameters<typeof send>[1] = {
      agent: endpoint.pool.agent,
      host: endpoint.host,
      port: endpoint.port,
      method,
      path,
      headers,
      maxHeaderSize: MAX_ANSWER_HEADER_BYTES,
      isFresh,
      hasBody,
    };
    let outgoing: PooledRequest;
    try {
      outgoing = send(options) as PooledRequest;
    } catch {
      // The parser lets through what node:http does not send (a space in a path, say).
      this.fail(REFUSALS.badRequest);
      return;
    }
    this.outgoing = outgoing;
    outgoing.on("response", (answer) => this.onAnswer(outgoing, answer));
    outgoing.on("error", (error: NodeJS.ErrnoException) => this.onOutgoingError(outgoing, error));
    outgoing.on("close", () => {
      if (this.outgoing === outgoing && this.answer === null) this.fail(REFUSALS.badAnswer);
    });
    if (this.request.httpVersionMinor !== 0) outgoing.on("information", (info) => this.passInformation(info));
    if (!hasBody) outgoing.end();
    else if (outgoing.pooledSocket.wasOpen) this.passBody(outgoing);
    // Not a byte of the body is taken before there is a connection: until then it may go to another instance.
    else outgoing.pooledSocket.once("connect", () => this.passBody(outgoing));
  }

  private claim(endpoint: LiveEndpoint): void {
    this.endpoint = endpoint;
    endpoint.inFlight += 1;
    const { tally } = this.version;
    tally.inFlight += 1;
    tally.lastRequestAt = performance.now();
  }

  private release(): void {
    if (this.endpoint === null) return;
    this.version.tally.inFlight -= 1;
    this.endpoint.release();
    this.endpoint = null;
  }

  private passBody(outgoing: ClientRequest): void {
    const { request } = this;
    this.lastBodyAt = performance.now();
    let hasBegun = false;
    setImmediate(() => {
      // The app may want to answer to the header alone.
      if (!hasBegun && !outgoing.destroyed) outgoing.write(EMPTY);
    });
    request.on("data", (chunk: Buffer) => {
      hasBegun = true;
      this.lastBodyAt = performance.now();
      if (outgoing.destroyed || outgoing.write(chunk)) return;
      request.pause();
      outgoing.once("drain", () => request.resume());
    });
    request.on("end", () => {
      hasBegun = true;
      this.requestDoneAt = performance.now();
      const trailers = trailersOf(request);
      if (trailers.length > 0) outgoing.addTrailers(trailers);
      outgoing.end();
    });
    request.on("close", () => {
      if (!request.complete) outgoing.destroy();
    });
    outgoing.on("close", () => request.resume());
  }

  private onOutgoingError(outgoing: PooledRequest, error: NodeJS.ErrnoException): void {
    // Once an answer has begun, its own end says whether it is whole.
    if (this.outgoing !== outgoing || this.isSettled || this.answer !== null) return;
    const { endpoint } = this;
    if (endpoint === null) return;
    const socket = outgoing.pooledSocket;
    if (!socket.wasOpen) {
      this.onConnectFailed(endpoint, error);
      return;
    }
    // The instance closed an idle connection just as we used it: it has not seen the request, as far as one can know.
    const wasIdleRace = outgoing.reusedSocket && socket.bytesRead === socket.bytesAtStart;
    if (wasIdleRace && !this.head.hasBody && isIdempotent(this.head.method)) {
      this.outgoing = null;
      this.release();
      this.attempt(endpoint, true);
      return;
    }
    this.fail(error.code?.startsWith("HPE_") === true ? REFUSALS.badAnswer : REFUSALS.answerCut);
  }

  /** Nothing was sent, so any request may go to another instance. */
  private onConnectFailed(endpoint: LiveEndpoint, error: NodeJS.ErrnoException): void {
    this.outgoing = null;
    endpoint.noteConnectError();
    this.release();
    this.tried ??= new Set();
    this.tried.add(endpoint);
    const failed = this.version;
    const next = this.nextEndpoint();
    if (next === null) {
      this.fail(error.code === "ETIMEDOUT" ? REFUSALS.connectTimeout : REFUSALS.connectFailed);
      return;
    }
    if (this.version === failed) this.countFailureOf(failed);
    this.attempt(next, false);
  }

  private onAnswer(outgoing: ClientRequest, answer: IncomingMessage): void {
    if (this.outgoing !== outgoing || this.isSettled) {
      answer.resume();
      return;
    }
    const { method } = this.head;
    const status = answer.statusCode ?? 0;
    const head = readAnswerHead(answer, this.request.httpVersionMinor !== 0);
    if (head === null || !this.passHead(status, answer, head)) {
      this.fail(REFUSALS.badAnswer);
      return;
    }
    this.answer = answer;
    this.status = status;
    if (this.isLate) this.learnPatience();
    if (method === "HEAD" || status === 204 || status === 304 || head.length === "0") {
      this.hasEnded = true;
      this.response.end();
      answer.resume();
      return;
    }
    this.remaining = head.length === null ? -1 : Number(head.length);
    if (head.isEventStream) this.beginEventStream();
    answer.on("data", (chunk: Buffer) => this.onData(answer, chunk));
    answer.on("end", () => this.onEnd(answer));
    answer.on("close", () => this.onAnswerClosed());
    flushSoon(this);
  }

  private passHead(status: number, answer: IncomingMessage, head: AnswerHead): boolean {
    const { headers, length, keepAlive } = head;
    const { endpoint, assignment } = this;
    endpoint?.noteAnswer(status);
    if (keepAlive !== "") endpoint?.pool.noteKeepAlive(keepAlive);
    if (assignment.cookie !== null && !head.isForSharedCaches) headers.push("Set-Cookie", assignment.cookie);
    if (this.context.isStopping) headers.push("Connection", "close");
    // Last, because node:http rewrites a Content-Disposition that comes after it.
    if (length !== null && status !== 204) headers.push("Content-Length", length);
    try {
      this.response.writeHead(status, answer.statusMessage ?? "", headers);
      return true;
    } catch {
      return false;
    }
  }

  /** The header goes out now when the body lets itself be waited for. */
  flushHead(): void {
    if (this.hasWritten || this.hasEnded || this.isSettled) return;
    this.hasWritten = true;
    this.response.write(EMPTY);
  }

  private onData(answer: IncomingMessage, chunk: Buffer): void {
    if (this.hasEnded || this.isSettled) return;
    const { response } = this;
    if (this.remaining >= 0) {
      this.remaining -= chunk.length;
      if (this.remaining === 0) {
        this.hasEnded = true;
        // As text of one byte a character it joins the header in one write; as a buffer it would take two.
        if (chunk.length <= SMALL_BYTES && !this.hasWritten) response.end(chunk.toString("latin1"), "latin1");
        else response.end(chunk);
        return;
      }
    }
    this.hasWritten = true;
    if (!response.write(chunk)) {
      answer.pause();
      response.once("drain", () => answer.resume());
    }
    if (this.isEventStream) {
      this.isBetweenEvents = endsAnEvent(chunk);
      if (this.isAskedToClose && this.isBetweenEvents) this.cut();
    }
  }

  private onEnd(answer: IncomingMessage): void {
    if (this.hasEnded || this.isSettled) return;
    this.hasEnded = true;
    const trailers = trailersOf(answer);
    if (trailers.length > 0 && this.remaining === -1) this.response.addTrailers(trailers);
    this.response.end();
  }

  /** Without having ended: the client must not take what it has for the whole. */
  private onAnswerClosed(): void {
    if (this.hasEnded || this.isSettled) return;
    this.isCut = true;
    if (this.isCounted && this.assignment.isEvidence) this.countFailureOf(this.version);
    this.status = FAILED;
    const endsByClosing = this.remaining === -1 && !this.response.chunkedEncoding;
    if (endsByClosing) this.response.socket?.resetAndDestroy();
    this.response.destroy();
  }

  private passInformation({ statusCode, statusMessage, rawHeaders }: InformationEvent): void {
    const { response } = this;
    if (this.isSettled || response.headersSent) return;
    if (statusCode === 100) {
      if (this.request.headers.expect !== undefined) response.writeContinue();
      return;
    }
    let text = `HTTP/1.1 ${statusCode} ${statusMessage}\r\n`;
    for (let i = 0; i < rawHeaders.length; i += 2) {
      const kind = answerHeaderKind(rawHeaders[i] as string);
      if (kind === "end-to-end") text += `${rawHeaders[i]}: ${rawHeaders[i + 1]}\r\n`;
    }
    // Behind another answer on the same connection it has no socket yet, and hints may be left out.
    response.socket?.write(`${text}\r\n`, "latin1");
  }

  private beginEventStream(): void {
    this.isEventStream = true;
    this.endpoint?.streams.add(this);
    // It has no end by which it could be judged: what counts is how soon it began.
    this.count(this.status);
  }

  private learnPatience(): void {
    if (!this.version.isStable || this.status >= 500 || this.requestDoneAt === null) return;
    this.context.patience.learn(this.route, performance.now() - this.requestDoneAt);
  }

  /** The plane's own answer, or, where the app's has begun, a cut. */
  private fail(refusal: PlaneRefusal): void {
    if (this.isSettled || this.hasEnded) return;
    this.status = refusal.status < 500 ? refusal.status : FAILED;
    this.hasEnded = true;
    const { outgoing, response } = this;
    this.outgoing = null;
    outgoing?.destroy();
    if (response.headersSent) {
      this.isCut = true;
      response.destroy();
    } else {
      refuse(response, refusal);
    }
  }

  /** The client has the whole answer, or is gone. */
  private settle(): void {
    if (this.isSettled) return;
    this.isSettled = true;
    const isGone = !this.response.writableFinished && !this.isCut;
    this.context.inFlight.remove(this);
    this.count(isGone && this.answer === null ? CLIENT_GONE : this.status);
    this.endpoint?.streams.delete(this);
    this.release();
    if (isGone || this.isCut) this.outgoing?.destroy();
    else if (this.head.hasBody && !this.request.complete) this.linger();
  }

  /** An app that answers before it has read everything must not cost the client its answer. */
  private linger(): void {
    const { request } = this;
    const timer = setTimeout(() => request.destroy(), LINGER_MS);
    timer.unref();
    request.once("close", () => clearTimeout(timer));
    request.once("end", () => clearTimeout(timer));
  }

  private count(status: number): void {
    if (this.isCounted) return;
    this.isCounted = true;
    const { method, path } = this.head;
    this.context.observations.count(this.version.tally, status, performance.now() - this.startedAt, method, path);
  }

  /** A failure beside the request's own outcome: it went on elsewhere, or had been counted before. */
  private countFailureOf({ tally }: RoutedVersion): void {
    if (!this.assignment.isEvidence) return;
    const { method, path } = this.head;
    this.context.observations.count(tally, FAILED, performance.now() - this.startedAt, method, path);
  }
}

interface InformationEvent {
  readonly statusCode: number;
  readonly statusMessage: string;
  readonly rawHeaders: readonly string[];
}

let unflushed: Exchange[] = [];

/** One look at the end of this turn of the loop, for all exchanges whose body did not come with the header. */
function flushSoon(exchange: Exchange): void {
  if (unflushed.push(exchange) > 1) return;
  setImmediate(() => {
    const exchanges = unflushed;
    unflushed = [];
    for (const each of exchanges) each.flushHead();
  });
}

function trailersOf({ rawTrailers: raw }: IncomingMessage): [string, string][] {
  const trailers: [string, string][] = [];
  for (let i = 0; i < raw.length; i += 2) {
    const name = raw[i] as string;
    if (!isForbiddenTrailer(name)) trailers.push([name, raw[i + 1] as string]);
  }
  return trailers;
}

/** An empty line ends an event; its line ends are LF, CR or CRLF. */
function endsAnEvent(chunk: Buffer): boolean {
  const { length } = chunk;
  const last = chunk[length - 1];
  const before = chunk[length - 2];
  return (
    (last === 10 && (before === 10 || (before === 13 && chunk[length - 3] === 10))) || (last === 13 && before === 13)
  );
}

/** Methods that may be carried out twice without harm (RFC 9110, 9.2.2). */
function isIdempotent(method: string): boolean {
  switch (method) {
    case "GET":
    case "HEAD":
    case "OPTIONS":
    case "TRACE":
    case "PUT":
    case "DELETE":
      return true;
    default:
      return false;
  }
}

/** Starts looking after what has been in flight for long. Answers what stops it. */
export function watchInFlight({ inFlight, waits }: ExchangeContext): () => void {
  const youngMs = Math.min(LATE_MS, waits.answerMs, waits.bodyMs);
  const timer = setInterval(() => {
    const now = performance.now();
    for (const exchange of inFlight.startedBefore(now - youngMs)) exchange.look(now);
  }, 250);
  timer.unref();
  return () => clearInterval(timer);
}
