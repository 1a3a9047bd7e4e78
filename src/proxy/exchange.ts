import { type ClientRequest, type IncomingMessage, request as send, type ServerResponse } from "node:http";
import type { Duration } from "../core/time.ts";
import { type AnswerHead, readAnswerHead } from "./answer-head.ts";
import { AnswerRelay } from "./answer-relay.ts";
import type { Assignment } from "./assign.ts";
import type { PooledOptions, PooledRequest } from "./connection-pool.ts";
import type { ExchangeContext, Watched } from "./exchange-context.ts";
import type { Linked } from "./in-flight.ts";
import { passInformation } from "./information.ts";
import type { LiveEndpoint } from "./live-endpoint.ts";
import { CLIENT_GONE, FAILED, type Tally } from "./observations.ts";
import { Placement } from "./placement.ts";
import { type PlaneRefusal, REFUSALS, refuse } from "./refusal.ts";
import { RequestBody } from "./request-body.ts";
import type { RequestHead } from "./request-head.ts";
import { routeKey } from "./route-key.ts";

const MAX_ANSWER_HEADER_BYTES = 64 * 1024;
/** What is left of a body may still arrive after its request has been answered, for this long. */
const LINGER_MS: Duration = 30_000;

/** One request, its way to an instance, and the answer's way back. */
export class Exchange implements Watched {
  previous: Linked | null = null;
  next: Linked | null = null;
  readonly startedAt = performance.now();

  private readonly context: ExchangeContext;
  private readonly request: IncomingMessage;
  private readonly response: ServerResponse;
  private readonly head: RequestHead;
  private readonly assignment: Assignment;
  private readonly placement: Placement;
  /** null: the request has none. */
  private readonly body: RequestBody | null;

  private outgoing: PooledRequest | null = null;
  private relay: AnswerRelay | null = null;
  /** The app's, or FAILED. */
  private status = FAILED;
  /** The client has got the plane's own answer, or none and a closed connection. */
  private isGivenUp = false;
  private isSettled = false;
  private isCounted: boolean;
  private isLate = false;

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
    this.placement = new Placement(assignment, ({ tally }) => this.countFailureOf(tally));
    this.body = head.hasBody ? new RequestBody(request) : null;
    this.isCounted = !assignment.isEvidence;
  }

  /** In the tick in which the table was read: between the two nothing can change. */
  start(): void {
    this.context.inFlight.add(this);
    this.response.on("close", () => this.settle());
    const endpoint = this.placement.claim();
    if (endpoint === null) this.giveUp(REFUSALS.noInstance);
    else this.attempt(endpoint, false);
  }

  /** It has been in flight for a while. */
  look(now: number): void {
    const { patience, waits } = this.context;
    this.isLate = true;
    if (this.body !== null && this.body.stalledMs(now) > waits.bodyMs) this.giveUp(REFUSALS.tooSlow);
    const { requestDoneAt } = this;
    if (this.relay !== null || requestDoneAt === null) return;
    const waitedMs = now - requestDoneAt;
    if (!this.isCounted && waitedMs > patience.limitFor(this.route)) this.count(FAILED);
    if (waitedMs > waits.answerMs) this.giveUp(REFUSALS.noAnswer);
  }

  private attempt(endpoint: LiveEndpoint, isFresh: boolean): void {
    const { body } = this;
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
      // The parser lets some things through that node:http does not send.
      this.giveUp(REFUSALS.badRequest);
      return;
    }
    this.outgoing = outgoing;
    outgoing.on("response", (answer) => this.onAnswer(outgoing, answer));
    outgoing.on("error", (error: NodeJS.ErrnoException) => this.onOutgoingError(outgoing, error));
    outgoing.on("close", () => {
      // Without a word before: the instance switched to a protocol that nobody had asked for.
      if (this.outgoing === outgoing && this.relay === null) this.giveUp(REFUSALS.badAnswer);
    });
    if (this.request.httpVersionMinor !== 0) {
      outgoing.on("information", (information) => passInformation(this.response, information));
    }
    if (body === null) outgoing.end();
    else if (outgoing.pooledSocket.wasOpen) body.passTo(outgoing);
    // Not a byte of the body is taken before there is a connection: until then it may go to another instance.
    else outgoing.pooledSocket.once("connect", () => body.passTo(outgoing));
  }

  private onOutgoingError(outgoing: PooledRequest, error: NodeJS.ErrnoException): void {
    // Once an answer has begun, its own end says whether it is whole.
    if (this.outgoing !== outgoing || this.isSettled || this.relay !== null) return;
    const socket = outgoing.pooledSocket;
    this.outgoing = null;
    if (!socket.wasOpen) {
      const other = this.placement.claimAnother();
      if (other !== null) this.attempt(other, false);
      else this.giveUp(error.code === "ETIMEDOUT" ? REFUSALS.connectTimeout : REFUSALS.connectFailed);
      return;
    }
    // The instance closed an idle connection just as we used it: it has not seen the request, as far as one can know.
    const wasIdleRace = outgoing.reusedSocket && socket.bytesRead === socket.bytesAtStart;
    const { endpoint } = this.placement;
    if (endpoint !== null && wasIdleRace && this.body === null && isIdempotent(this.head.method)) {
      this.attempt(endpoint, true);
      return;
    }
    this.giveUp(error.code?.startsWith("HPE_") === true ? REFUSALS.badAnswer : REFUSALS.answerCut);
  }

  private onAnswer(outgoing: ClientRequest, answer: IncomingMessage): void {
    if (this.outgoing !== outgoing || this.isSettled) {
      answer.resume();
      return;
    }
    const { method } = this.head;
    const status = answer.statusCode ?? 0;
    const head = readAnswerHead(answer, this.request.httpVersionMinor !== 0);
    if (head === null || !this.passHead(status, answer.statusMessage ?? "", head)) {
      this.giveUp(REFUSALS.badAnswer);
      return;
    }
    const relay = new AnswerRelay(answer, this.response, head);
    this.relay = relay;
    this.status = status;
    if (this.isLate) this.learnPatience();
    if (method === "HEAD" || status === 204 || status === 304 || head.length === "0") {
      relay.passNoBody();
      return;
    }
    if (head.isEventStream) {
      this.placement.endpoint?.streams.add(relay);
      // It has no end by which it could be judged: what counts is how soon it began.
      this.count(status);
    }
    relay.pass(() => this.onCut(relay));
  }

  private passHead(status: number, message: string, head: AnswerHead): boolean {
    const { headers, length, keepAlive } = head;
    const { cookie } = this.assignment;
    const { endpoint } = this.placement;
    endpoint?.noteAnswer(status);
    if (keepAlive !== "") endpoint?.pool.noteKeepAlive(keepAlive);
    if (cookie !== null && !head.isForSharedCaches) headers.push("Set-Cookie", cookie);
    if (this.context.isStopping) headers.push("Connection", "close");
    // Last, because node:http rewrites a Content-Disposition that comes after it.
    if (length !== null && status !== 204) headers.push("Content-Length", length);
    try {
      this.response.writeHead(status, message, headers);
      return true;
    } catch {
      return false;
    }
  }

  /** The app's answer stopped in its middle. */
  private onCut(relay: AnswerRelay): void {
    if (this.isSettled) return;
    this.isGivenUp = true;
    if (this.isCounted) this.countFailureOf(this.placement.version.tally);
    this.status = FAILED;
    relay.cutClient();
  }

  /** The plane's own answer, or, where the app's has begun, a cut. */
  private giveUp(refusal: PlaneRefusal): void {
    if (this.isSettled || this.isGivenUp || this.relay?.hasEnded === true) return;
    this.isGivenUp = true;
    this.status = refusal.status < 500 ? refusal.status : FAILED;
    const { outgoing } = this;
    this.outgoing = null;
    outgoing?.destroy();
    if (this.relay === null) refuse(this.response, refusal);
    else this.relay.cutClient();
  }

  /** The client has the whole answer, or is gone. */
  private settle(): void {
    if (this.isSettled) return;
    this.isSettled = true;
    const { relay, placement } = this;
    const hasClientLeft = !this.response.writableFinished && !this.isGivenUp;
    this.context.inFlight.remove(this);
    this.count(hasClientLeft && relay === null ? CLIENT_GONE : this.status);
    if (relay !== null) placement.endpoint?.streams.delete(relay);
    placement.release();
    if (hasClientLeft || this.isGivenUp) this.outgoing?.destroy();
    else if (this.body !== null && !this.request.complete) this.linger();
  }

  /** An app that answers before it has read everything must not cost the client its answer. */
  private linger(): void {
    const { request } = this;
    const timer = setTimeout(() => request.destroy(), LINGER_MS);
    timer.unref();
    request.once("close", () => clearTimeout(timer));
    request.once("end", () => clearTimeout(timer));
  }

  /** When the whole request had arrived; null: its body still comes. */
  private get requestDoneAt(): number | null {
    return this.body === null ? this.startedAt : this.body.doneAt;
  }

  private get route(): string {
    return routeKey(this.head.method, this.head.path);
  }

  private learnPatience(): void {
    const { requestDoneAt } = this;
    if (!this.placement.version.isStable || this.status >= 500 || requestDoneAt === null) return;
    this.context.patience.learn(this.route, performance.now() - requestDoneAt);
  }

  private count(status: number): void {
    if (this.isCounted) return;
    this.isCounted = true;
    this.countInto(this.placement.version.tally, status);
  }

  /** A failure beside the request's own outcome: it went on elsewhere, or had been counted before. */
  private countFailureOf(tally: Tally): void {
    if (this.assignment.isEvidence) this.countInto(tally, FAILED);
  }

  private countInto(tally: Tally, status: number): void {
    const { method, path } = this.head;
    this.context.observations.count(tally, status, performance.now() - this.startedAt, method, path);
  }
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
