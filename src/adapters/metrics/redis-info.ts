import { readFile } from "node:fs/promises";
import { connect as connectPlain, isIP, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";
import { formatDuration } from "../../core/time/time.ts";
import { tlsTrouble } from "../../local/tls-trouble.ts";
import type { Asking } from "./settings.ts";

const MOST_BYTES = 1024 * 1024;

/**
 * What Redis answers to INFO, by name, or why there is no answer, in words. One connection, two commands: a client with pools and
 * reconnection would be more than is asked of it. Source: https://redis.io/docs/latest/develop/reference/protocol-spec/ (RESP 2).
 */
export async function askRedisInfo(
  { url, ca }: { readonly url: string; readonly ca?: string },
  { timeoutMs, signal }: Pick<Asking, "timeoutMs" | "signal">,
): Promise<ReadonlyMap<string, string> | string> {
  const place = placeOf(url);
  if (place === null) return "its address must begin with redis://, rediss:// or unix://";
  const { at } = place;
  const authority = ca === undefined ? undefined : await readFile(ca, "utf8").catch(() => null);
  if (authority === null) return `the certificates in ${ca ?? ""} can't be read`;
  const socket = place.open(authority);
  return await new Promise((resolve) => {
    let text = "";
    const settle = (result: ReadonlyMap<string, string> | string): void => {
      clearTimeout(timer);
      signal.removeEventListener("abort", abort);
      socket.destroy();
      resolve(result);
    };
    const abort = (): void => settle("stopped before the answer came");
    const timer = setTimeout(
      () => settle(`Redis at ${at} gives no answer within ${formatDuration(timeoutMs)}`),
      timeoutMs,
    );
    signal.addEventListener("abort", abort, { once: true });
    if (signal.aborted) return abort();
    socket.setEncoding("latin1");
    socket.on("data", (chunk: string) => {
      text += chunk;
      if (text.length > MOST_BYTES) return settle(`what listens at ${at} is no Redis`);
      const reply = infoIn(text);
      if (reply !== null) settle(reply);
    });
    socket.once("error", (error: NodeJS.ErrnoException) =>
      settle(
        error.code === "ECONNREFUSED"
          ? `nothing listens at ${at}`
          : `${at} can't be reached: ${tlsTrouble(error.message)}`,
      ),
    );
    socket.once("close", () => settle(`what listens at ${at} closed the connection without an answer`));
    socket.write(`${letIn(place)}${command("INFO")}`);
  });
}

interface Place {
  /** For people. */
  readonly at: string;
  readonly user: string;
  readonly password: string;
  readonly open: (ca: string | undefined) => Socket;
}

function placeOf(url: string): Place | null {
  // An address of the web can't have a user and no host.
  const unix = /^unix:\/\/(?:([^:@/]*):([^@/]*)@)?(\/.*)$/.exec(url);
  if (unix !== null) {
    const [, user = "", password = "", path = ""] = unix.map((part: string | undefined) =>
      decodeURIComponent(part ?? ""),
    );
    return { at: path, user, password, open: () => connectPlain(path) };
  }
  if (!/^rediss?:\/\//.test(url) || !URL.canParse(url)) return null;
  const { protocol, host: at, hostname, port: written, username, password } = new URL(url);
  const port = Number(written === "" ? 6379 : written);
  const host = hostname.replaceAll(/[[\]]/g, "");
  return {
    at,
    user: decodeURIComponent(username),
    password: decodeURIComponent(password),
    open: (ca) =>
      protocol === "redis:"
        ? connectPlain(port, host)
        : connectTls({
            port,
            host,
            ...(isIP(host) === 0 ? { servername: host } : {}),
            ...(ca === undefined ? {} : { ca }),
          }),
  };
}

function letIn({ user, password }: Place): string {
  if (password === "") return "";
  return user === "" ? command("AUTH", password) : command("AUTH", user, password);
}

function command(...words: readonly string[]): string {
  const parts = words.map((word) => `$${Buffer.byteLength(word)}\r\n${word}\r\n`);
  return `*${words.length}\r\n${parts.join("")}`;
}

/** The whole of INFO's reply, or an error; null: it has not all come yet. */
function infoIn(text: string): ReadonlyMap<string, string> | string | null {
  const error = /(?:^|\r\n)-([^\r\n]*)\r\n/.exec(text.slice(0, 4_096));
  if (error !== null && !text.includes("\r\n$") && !text.startsWith("$")) return `Redis answers: ${error[1] ?? ""}`;
  const begin = /(?:^|\r\n)\$(\d+)\r\n/.exec(text);
  if (begin === null) return /^[+$*:-]/.test(text) || text === "" ? null : "what answers there is no Redis";
  const from = begin.index + begin[0].length;
  const length = Number(begin[1]);
  if (text.length < from + length) return null;
  const lines = text.slice(from, from + length).split("\r\n");
  return new Map(
    lines.flatMap((line): readonly [string, string][] => {
      const colon = line.indexOf(":");
      return colon < 0 || line.startsWith("#") ? [] : [[line.slice(0, colon), line.slice(colon + 1)]];
    }),
  );
}
