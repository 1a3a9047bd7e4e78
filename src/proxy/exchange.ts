import type { IncomingMessage, ServerResponse } from "node:http";
import type { Duration } from "../core/time/time.ts";
import type { AnswerHead } from "./answer-head.ts";
import type { RawHead } from "./answer-parser.ts";
import { AnswerRelay } from "./answer-relay.ts";
import type { Assignment } from "./assign.ts";
import { clientOf } from "./client.ts";
import type { ExchangeContext, Watched } from "./exchange-context.ts";
import type { Linked } from "./in-flight.ts";
import type { LiveEndpoint } from "./live-endpoint.ts";
import type { Held } from "./outage.ts";
import { passInformation } from "./information.ts";
import type { AnswerHandler, Failure, InstanceConnection } from "./instance-connection.ts";
import type { Tally } from "./observations.ts";
import { CLIENT_GONE, FAILED, PASSED_ON } from "./outcome.ts";
import { Placement } from "./placement.ts";
import { type PlaneRefusal, refusalOf, REFUSALS, refuse } from "./refusal.ts";
import { RequestBody } from "./request-body.ts";
import { headText, isIdempotent, type RequestHead } from "./request-head.ts";
import { routeKey } from "./route-key.ts";

/** What is left of a body may still arrive after its request has been answered, for this long. */
const LINGER_MS: Duration = 30_000;

/** One request, its way to an instance, and the answer's way back. */
export class Exchange implements Watched, AnswerHandler, Held {
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
  /** Which one it is on its client's connection. */
  private readonly ordinal: number;

  private connection: InstanceConnection | null = null;
  private relay: AnswerRelay | null = null;
  /** The app's, or FAILED. */
  private status = FAILED;
  /** The client has got the plane's own answer, or none and a closed connection. */
  private isGivenUp = false;
  private isSettled = false;
  private isCounted: boolean;
  private isLate = false;
  private wasHeld = false;

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
    this.placement = new Placement(assignment, ({ tally }) => this.countBeside(tally, PASSED_ON));
    this.body = head.hasBody ? new RequestBody(request) : null;
    this.ordinal = clientOf(request.socket).requests;
    this.isCounted = !assignment.isEvidence;
  }

  /** In the tick in which the table was read: between the two nothing can change. */
  start(): void {
    this.context.inFlight.add(this);
    this.response.on("close", () => this.settle());
    const endpoint = this.placement.claim();
    this.isCounted ||= endpoint === null && this.placement.isUnproven;
    if (endpoint === null) this.giveUp(REFUSALS.noInstance);
    else this.attempt(endpoint.pool.take(this.head.hasBody));
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

  private attempt(connection: InstanceConnection): void {
    const { body, head } = this;
    this.connection = connection;
    const text = headText(head);
    const takesTrailers = this.request.httpVersionMinor !== 0;
    connection.send({ head: text, isHead: head.method === "HEAD", hasBody: head.hasBody, takesTrailers }, this);
    // Not a byte of the body is taken before there is a connection: until then it may go to another instance.
    if (body !== null) connection.whenOpen(() => body.passTo(connection, text, this));
  }

  onInformation(head: RawHead): void {
    if (this.request.httpVersionMinor !== 0) passInformation(this.response, head);
  }

  onHead(head: AnswerHead): void {
    const { connection } = this;
    if (connection === null || this.isSettled) return;
    if (!this.passHead(head)) {
      this.giveUp(REFUSALS.badAnswer);
      return;
    }
    const source = {
      pause: () => connection.pause(this),
      resume: () => connection.resume(this),
      abandon: () => connection.abandon(this),
    };
    const relay = new AnswerRelay(source, this.response, head);
    this.relay = relay;
    this.status = head.status;
    if (this.isLate) this.learnPatience();
    if (!head.isEventStream) return;
    this.placement.endpoint?.streams.add(relay);
    // It has no end by which it could be judged: what counts is how soon it began.
    this.count(head.status);
  }

  onBody(bytes: Buffer): void {
    if (!this.isSettled) this.relay?.pass(bytes);
  }

  onPause(): void {
    if (!this.isSettled) this.relay?.flushHead();
  }

  onEnd(rawTrailers: readonly string[]): void {
    if (!this.isSettled) this.relay?.end(rawTrailers);
  }

  onFailed(failure: Failure): void {
    const { connection } = this;
    const { endpoint } = this.placement;
    this.connection = null;
    const again = connection === null ? null : this.another(connection, failure);
    if (again !== null) {
      this.attempt(again);
      return;
    }
    if (connection !== null && endpoint !== null && failure === "not-connected" && this.isHeldFor(endpoint)) return;
    // The client can go on sending what nobody takes any more, so that its next request can be read. Not before: what
    // flowed while another connection is opened would be missing there, and that instance would wait for it.
    if (this.body !== null) this.request.resume();
    if (this.isSettled || connection === null) return;
    if (this.relay === null) this.giveUp(refusalOf(failure));
    else this.onCut(this.relay);
  }

  /** A connection on which nobody can have seen the request yet; null: it has had its chance. */
  private another(connection: InstanceConnection, failure: Failure): InstanceConnection | null {
    const { endpoint } = this.placement;
    if (this.isSettled || endpoint === null || this.relay !== null) return null;
    switch (failure) {
      case "not-connected":
      case "connect-timeout":
        return this.placement.claimAnother()?.pool.take(this.head.hasBody) ?? null;
      case "cut": {
        // It closed an idle connection just as we used it: it has not seen the request, as far as one can know.
        const wasIdleRace = connection.isReused && !connection.hasBytes;
        return wasIdleRace && this.body === null && isIdempotent(this.head.method) ? endpoint.pool.open() : null;
      }
      case "bad-answer":
        return null;
    }
  }

  /** Nothing has been sent, and there is nobody else: whether it waits, once, until the instance has been started again. */
  private isHeldFor(endpoint: LiveEndpoint): boolean {
    if (this.isSettled || this.relay !== null || this.wasHeld || !endpoint.outage.hold(this)) return false;
    this.wasHeld = true;
    this.placement.wait();
    this.response.once("close", () => endpoint.outage.forget(this));
    return true;
  }

  goOn(): void {
    if (this.isSettled || this.isGivenUp) return;
    const endpoint = this.placement.claimAnew();
    if (endpoint === null) this.endWait();
    else this.attempt(endpoint.pool.take(this.head.hasBody));
  }

  endWait(): void {
    if (this.body !== null) this.request.resume();
    this.giveUp(REFUSALS.connectFailed);
  }

  private passHead(head: AnswerHead): boolean {
    const { status, message, headers, length, keepAlive } = head;
    const { cookie } = this.assignment;
    const { endpoint } = this.placement;
    endpoint?.noteAnswer(status);
    if (keepAlive !== "") endpoint?.pool.noteKeepAlive(keepAlive);
    if (cookie !== null && !head.isForSharedCaches) headers.push("Set-Cookie", cookie);
    if (this.isLast) headers.push("Connection", "close");
    // Last, because node:http rewrites a Content-Disposition that comes after it.
    if (length !== null && status !== 204) headers.push("Content-Length", String(length));
    try {
      this.response.writeHead(status, message, headers);
      return true;
    } catch {
      // A name or a value that may not be sent.
      return false;
    }
  }

  /** The app's answer stopped in its middle. */
  private onCut(relay: AnswerRelay): void {
    if (relay.hasEnded) return;
    this.isGivenUp = true;
    if (this.isCounted) this.countBeside(this.placement.version.tally, FAILED);
    this.status = FAILED;
    relay.cutClient();
  }

  /** The plane's own answer, or, where the app's has begun, a cut. */
  private giveUp(refusal: PlaneRefusal): void {
    if (this.isSettled || this.isGivenUp || this.relay?.hasEnded === true) return;
    this.isGivenUp = true;
    this.status = refusal.status < 500 ? refusal.status : FAILED;
    const { connection } = this;
    this.connection = null;
    connection?.abandon(this);
    if (this.relay === null) refuse(this.response, refusal, this.isLast);
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
    if (hasClientLeft || this.isGivenUp) this.connection?.abandon(this);
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

  /** The connection ends with its answer. Not before the answers to what was sent after it without waiting for them. */
  private get isLast(): boolean {
    return this.context.isStopping && clientOf(this.request.socket).requests === this.ordinal;
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
    if (!this.placement.version.isStable || this.status >= 500 || requestDoneAt === null || this.wasHeld) return;
    this.context.patience.learn(this.route, performance.now() - requestDoneAt);
  }

  private count(status: number): void {
    if (this.isCounted) return;
    this.isCounted = true;
    this.countInto(this.placement.version.tally, status);
  }

  /** A failure beside the request's own outcome: it went on elsewhere, or had been counted before. */
  private countBeside(tally: Tally, status: typeof FAILED | typeof PASSED_ON): void {
    if (this.assignment.isEvidence) this.countInto(tally, status);
  }

  private countInto(tally: Tally, status: number): void {
    const { method, path } = this.head;
    const latencyMs = performance.now() - this.startedAt;
    this.context.observations.count(tally, status, latencyMs, method, path, this.assignment);
  }
}
