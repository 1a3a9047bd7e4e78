import { FaultError } from "../../core/fault.ts";
import { isPrivateAddress } from "./private-address.ts";
import type { Called } from "./settings.ts";

/** Where mail is handed in. */
export interface SmtpServer {
  readonly host: string;
  readonly port: number;
  /** TLS from the first byte on; else it may be begun with STARTTLS. */
  readonly isSecure: boolean;
  /** A password must not go over a network in plain text. */
  readonly needsTls: boolean;
  /** On this machine nobody stands between: its certificate may be one that it made for itself, as Debian's are. */
  readonly isHere: boolean;
  readonly user?: string;
  readonly password?: string;
}

const FORM = "smtp://user:password@mail.example.com:587, or smtps:// for TLS from the first byte on";

/** Read of `smtp://user:password@host:587`. Faults: notification-not-delivered. */
export function smtpServer(text: string, { receiver }: Called): SmtpServer {
  const url = URL.canParse(text) ? new URL(text) : null;
  if (url === null || (url.protocol !== "smtp:" && url.protocol !== "smtps:") || url.hostname === "") {
    throw new FaultError({
      code: "notification-not-delivered",
      what: `${receiver} has no address to send to.`,
      cause: `its address is not ${FORM}`,
      fix: "set it where Tidegate runs, or correct the plan file",
    });
  }
  const isSecure = url.protocol === "smtps:";
  const host = url.hostname.replace(/^\[|\]$/g, "");
  const isHere = host === "localhost" || (isPrivateAddress(host) && /^(127\.|::1$)/.test(host));
  return {
    host,
    port: url.port === "" ? (isSecure ? 465 : 587) : Number(url.port),
    isSecure,
    isHere,
    needsTls: !isSecure && url.username !== "" && !isHere,
    ...(url.username === "" ? {} : { user: decodeURIComponent(url.username) }),
    ...(url.password === "" ? {} : { password: decodeURIComponent(url.password) }),
  };
}
