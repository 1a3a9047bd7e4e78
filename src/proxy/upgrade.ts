import type { ClientRequest, IncomingMessage } from "node:http";
import { connect, type Socket } from "node:net";
import { pipeline } from "node:stream";
import type { Duration } from "../core/time/time.ts";
import { http } from "../local/node-http.ts";
import { readAnswerHead } from "./answer-head.ts";
import type { RawHead } from "./answer-parser.ts";
import type { Assignment } from "./assign.ts";
import type { LiveEndpoint } from "./live-endpoint.ts";
import type { Observations, Tally } from "./observations.ts";
import { CLIENT_GONE, FAILED, PASSED_ON } from "./outcome.ts";
import type { Held } from "./outage.ts";
import { LATE_MS } from "./patience.ts";
import { Placement } from "./placement.ts";
import { type PlaneRefusal, REFUSALS, refuseOnSocket } from "./refusal.ts";
import type { RequestHead } from "./request-head.ts";
import { Tunnel } from "./tunnel.ts";

/** From the client's request to the app's 101. */
const HANDSHAKE_MS: Duration = 30_000;

/** Protocols of HTTP itself: those belong to one connection, and the request is a plain one for us. */
export function isTunnelProtocol(upgrade: string | undefined): boolean {
  return upgrade !== undefined && !/^\s*(?:h2c?|tls|http)\b/i.test(upgrade);
}

export interface UpgradeContext {
  readonly observations: Observations;
  readonly connectMs: () => Duration;
}

/** A request to speak something else on this connection (a WebSocket), until both sides agree or one refuses. */
export class Upgrade implements Held {
  readonly #context: UpgradeContext;
  readonly #request: IncomingMessage;
  readonly #client: Socket;
  /** What the client sent after its request. Held back until the app has agreed: else it might be read as a request. */
  readonly #early: Buffer;
  readonly #head: RequestHead;
  readonly #assignment: Assignment;
  readonly #startedAt = performance.now();
  readonly #placement: Placement;
  readonly #timeout: NodeJS.Timeout;
  #outgoing: ClientRequest | null = null;
  #hasEnded = false;
  #wasHeld = false;
  #isEvidence: boolean;

  constructor(
    context: UpgradeContext,
    request: IncomingMessage,
    early: Buffer,
    head: RequestHead,
    assignment: Assignment,
  ) {
    this.#context = context;
    this.#request = request;
    this.#client = request.socket;
    this.#early = early;
    this.#head = head;
    this.#assignment = assignment;
    this.#isEvidence = assignment.isEvidence;
    this.#placement = new Placement(assignment, ({ tally }) => this.#count(tally, PASSED_ON));
    this.#timeout = setTimeout(() => this.#refuse(REFUSALS.noAnswer), HANDSHAKE_MS);
  }

  start(): void {
    this.#client.once("close", () => this.#end(this.#isLate ? FAILED : CLIENT_GONE, false));
    const endpoint = this.#placement.claim();
    if (endpoint === null && this.#placement.isUnproven) this.#isEvidence = false;
    if (endpoint === null) this.#refuse(REFUSALS.noInstance);
    else this.#attempt(endpoint);
  }

  get #isLate(): boolean {
    return performance.now() - this.#startedAt > LATE_MS;
  }

  #attempt(endpoint: LiveEndpoint): void {
    const { host, port } = endpoint;
    const app = connect({ host, port, noDelay: true, allowHalfOpen: true });
    let wasOpen = false;
    app.once("connect", () => {
      wasOpen = true;
      app.setTimeout(0);
    });
    app.setTimeout(this.#context.connectMs(), () => app.destroy(new Error("no connection in time")));
    const outgoing = http().request({
      createConnection: () => app,
      method: this.#head.method,
      path: this.#head.path,
      headers: [...this.#head.headers, "Connection", "Upgrade", "Upgrade", this.#request.headers.upgrade ?? ""],
    });
    this.#outgoing = outgoing;
    outgoing.once("upgrade", (answer, _socket, early) => this.#open(answer, app, early));
    outgoing.once("response", (answer) => this.#passAnswer(answer));
    outgoing.on("error", () => {
      if (this.#outgoing !== outgoing || this.#hasEnded) return;
      if (wasOpen) this.#refuse(REFUSALS.answerCut);
      else this.#onConnectFailed();
    });
    outgoing.end();
  }

  #onConnectFailed(): void {
    const { endpoint } = this.#placement;
    this.#outgoing = null;
    const other = this.#placement.claimAnother();
    if (other !== null) this.#attempt(other);
    else if (endpoint === null || !this.#isHeldFor(endpoint)) this.#refuse(REFUSALS.connectFailed);
  }

  /** There is nobody else: whether it waits, once, until the instance has been started again. */
  #isHeldFor(endpoint: LiveEndpoint): boolean {
    if (this.#wasHeld || !endpoint.outage.hold(this)) return false;
    this.#wasHeld = true;
    this.#placement.wait();
    this.#client.once("close", () => endpoint.outage.forget(this));
    return true;
  }

  goOn(): void {
    if (this.#hasEnded) return;
    const endpoint = this.#placement.claimAnew();
    if (endpoint === null) this.endWait();
    else this.#attempt(endpoint);
  }

  endWait(): void {
    this.#refuse(REFUSALS.connectFailed);
  }

  #open(answer: IncomingMessage, app: Socket, appEarly: Buffer): void {
    const { endpoint } = this.#placement;
    const client = this.#client;
    const head = readAnswerHead(rawHeadOf(answer), false);
    if (endpoint === null || head === null || this.#hasEnded || client.destroyed) {
      app.destroy();
      this.#refuse(REFUSALS.badAnswer);
      return;
    }
    const protocol = answer.headers.upgrade ?? this.#request.headers.upgrade ?? "";
    client.write(
      headText(101, answer.statusMessage ?? "", this.#withCookie(head), ["Connection", "Upgrade", "Upgrade", protocol]),
      "latin1",
    );
    const { tally } = this.#placement.version;
    const tunnel = new Tunnel({
      client,
      app,
      isWebSocket: protocol.toLowerCase() === "websocket",
      onEnd: (wasCut) => {
        endpoint.tunnels.delete(tunnel);
        tally.endTunnel();
        endpoint.noteEnd();
        if (wasCut && this.#assignment.isEvidence) this.#context.observations.countWebSocket(tally, "failed");
      },
    });
    endpoint.tunnels.add(tunnel);
    tally.beginTunnel();
    this.#end(101, true);
    if (appEarly.length > 0) app.unshift(appEarly);
    if (this.#early.length > 0) client.unshift(this.#early);
    app.resume();
    client.resume();
  }

  /** The app did not agree: its answer goes to the client, and the connection ends with it. */
  #passAnswer(answer: IncomingMessage): void {
    const status = answer.statusCode ?? 0;
    const head = readAnswerHead(rawHeadOf(answer), false);
    if (head === null || this.#hasEnded) {
      this.#refuse(REFUSALS.badAnswer);
      return;
    }
    this.#placement.endpoint?.noteAnswer(status);
    const response = new (http().ServerResponse)(this.#request);
    response.shouldKeepAlive = false;
    response.assignSocket(this.#client);
    const headers = this.#withCookie(head);
    if (head.length !== null && status !== 204) headers.push("Content-Length", String(head.length));
    response.writeHead(status, answer.statusMessage ?? "", headers);
    response.once("finish", () => this.#client.end());
    pipeline(answer, response, (error) => {
      if (error) this.#client.destroy();
      this.#end(error ? FAILED : status, false);
    });
  }

  #withCookie({ headers, isForSharedCaches }: { headers: string[]; isForSharedCaches: boolean }): string[] {
    const { cookie } = this.#assignment;
    return cookie === null || isForSharedCaches ? headers : [...headers, "Set-Cookie", cookie];
  }

  #refuse(refusal: PlaneRefusal): void {
    if (this.#hasEnded) return;
    this.#end(FAILED, false);
    refuseOnSocket(this.#client, refusal);
  }

  #end(status: number, isOpen: boolean): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    clearTimeout(this.#timeout);
    this.#count(this.#placement.version.tally, status);
    this.#placement.release();
    if (!isOpen) this.#outgoing?.destroy();
  }

  #count(tally: Tally, status: number): void {
    if (!this.#isEvidence) return;
    const { observations } = this.#context;
    observations.count(tally, status, performance.now() - this.#startedAt, this.#head.method, this.#head.path);
    if (status === 101) observations.countWebSocket(tally, "opened");
    else if (status < 100 || status >= 500) observations.countWebSocket(tally, "failed");
  }
}

function rawHeadOf(answer: IncomingMessage): RawHead {
  const { statusCode = 0, statusMessage = "", httpVersionMinor: minor, rawHeaders } = answer;
  return { status: statusCode, message: statusMessage, minor, rawHeaders };
}

function headText(status: number, message: string, ...parts: readonly (readonly string[])[]): string {
  let text = `HTTP/1.1 ${status} ${message}\r\n`;
  for (const headers of parts) {
    for (let i = 0; i < headers.length; i += 2) text += `${headers[i]}: ${headers[i + 1]}\r\n`;
  }
  return `${text}\r\n`;
}
