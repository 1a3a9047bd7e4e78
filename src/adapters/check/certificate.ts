import { isIP } from "node:net";
import { connect, type DetailedPeerCertificate, type TLSSocket } from "node:tls";
import type { CheckResult } from "../../core/plan/checklist.ts";
import { DAY, type Instant } from "../../core/time/time.ts";
import type { CheckOf, CheckSettings } from "./checker.ts";

/** A server's certificate is trusted, carries its name, and stays valid for so many days; so do those that it leads to. */
export async function checkCertificate(
  { host, port, days }: CheckOf<"certificate">,
  signal: AbortSignal,
  { authority, clock }: CheckSettings,
): Promise<CheckResult> {
  const place = `${host}:${port}`;
  const seen = await shake(host, port, authority, signal);
  if (typeof seen === "string") return { passed: false, detail: `${place}: ${seen}` };
  const now = clock.wall();
  const first = seen.chain.toSorted((a, b) => a.endsAt - b.endsAt)[0];
  if (first === undefined) return { passed: false, detail: `${place} showed no certificate` };
  const left = Math.floor((first.endsAt - now) / DAY);
  const whose = first === seen.chain[0] ? "the certificate" : `the certificate of its issuer ${first.name}`;
  const end = new Date(first.endsAt).toISOString().slice(0, 10);
  if (first.endsAt <= now) return { passed: false, detail: `${place}: ${whose} expired on ${end}` };
  if (seen.problem !== null) return { passed: false, detail: `${place}: ${seen.problem}` };
  const valid = `${place}: ${whose} is valid for ${left} ${left === 1 ? "day" : "days"}, until ${end}`;
  return left >= days ? { passed: true, detail: valid } : { passed: false, detail: `${valid}; wanted ${days}` };
}

interface Shown {
  /** The server's own first. */
  readonly chain: readonly { readonly name: string; readonly endsAt: Instant }[];
  /** Why clients refuse it; null: they don't. */
  readonly problem: string | null;
}

/** Connects without refusing anything, so that what is wrong can be told. */
function shake(
  host: string,
  port: number,
  authority: string | undefined,
  signal: AbortSignal,
): Promise<Shown | string> {
  return new Promise((resolve) => {
    const socket: TLSSocket = connect({
      host,
      port,
      rejectUnauthorized: false,
      ...(isIP(host) === 0 ? { servername: host } : {}),
      ...(authority === undefined ? {} : { ca: authority }),
    });
    const settle = (shown: Shown | string): void => {
      signal.removeEventListener("abort", abort);
      socket.destroy();
      resolve(shown);
    };
    const abort = (): void => settle("stopped before the certificate was seen");
    if (signal.aborted) return abort();
    signal.addEventListener("abort", abort, { once: true });
    socket.once("secureConnect", () => {
      const problem = socket.authorized ? null : explain(socket.authorizationError);
      settle({ chain: chainOf(socket.getPeerCertificate(true)), problem });
    });
    socket.once("error", (error: NodeJS.ErrnoException) =>
      settle(error.code === "ECONNREFUSED" ? "nothing listens there" : `no TLS connection: ${error.message}`),
    );
    socket.once("close", () => settle("the connection was closed before the certificate was seen"));
  });
}

function chainOf(own: DetailedPeerCertificate): Shown["chain"] {
  const chain: { name: string; endsAt: Instant }[] = [];
  const seen = new Set<string>();
  // The last one of a chain names itself as its issuer.
  for (let at: DetailedPeerCertificate | undefined = own; at?.valid_to !== undefined; at = at.issuerCertificate) {
    if (seen.has(at.fingerprint256)) break;
    seen.add(at.fingerprint256);
    const name = [at.subject?.CN ?? at.subject?.O ?? "without a name"].flat()[0] ?? "without a name";
    chain.push({ name, endsAt: Date.parse(at.valid_to) });
  }
  return chain;
}

const WORDS: Readonly<Record<string, string>> = {
  DEPTH_ZERO_SELF_SIGNED_CERT: "it signed its certificate itself, so nobody trusts it",
  SELF_SIGNED_CERT_IN_CHAIN: "its certificate leads to an authority that this machine does not trust",
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: "its certificate leads to no authority that this machine trusts",
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: "it does not send the certificates between its own and the authority",
  CERT_NOT_YET_VALID: "its certificate is not valid yet",
  ERR_TLS_CERT_ALTNAME_INVALID: "its certificate is for another name",
};

function explain(error: Error | string | undefined): string {
  const code = typeof error === "string" ? error : error !== undefined && "code" in error ? String(error.code) : "";
  return (
    WORDS[code] ?? `its certificate is refused: ${typeof error === "string" ? error : (error?.message ?? "unknown")}`
  );
}
