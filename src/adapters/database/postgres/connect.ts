import { readFile } from "node:fs/promises";
import type { Client } from "pg";
import { FaultError } from "../../../core/fault.ts";
import { redactor } from "../../../core/text/redact.ts";
import { fillReferences } from "../../../core/text/references.ts";
import { formatDuration } from "../../../core/time/time.ts";
import type { DatabaseSettings } from "../settings.ts";
import { connectFault } from "./faults.ts";

const CONNECT_MS = 10_000;

export interface PostgresAsk {
  /** As it stands in pg_stat_activity: `tidegate migrate`. */
  readonly application: string;
  readonly signal: AbortSignal;
  readonly timeoutMs?: number;
  /** Another database of the same server. */
  readonly database?: string;
}

/** A connection of one's own, which ends with its scope. `url` has its references filled in: it may hold a password. */
export interface Connection extends AsyncDisposable {
  readonly client: Client;
  /** Whether it is known to be gone. */
  isLost(): boolean;
}

/** The address with everything filled in, for a program that is given it in its environment. */
export function filledUrl({ url, values }: DatabaseSettings): string {
  // SQLAlchemy's name of a driver means nothing to anybody else.
  return fillReferences(url, values()).replace(/^(postgres(?:ql)?)\+[a-z0-9_]+:/i, "$1:");
}

/** Faults: database-unreachable, database-refused, database-certificates-unreadable. */
export async function connectPostgres(settings: DatabaseSettings, ask: PostgresAsk): Promise<Connection> {
  ask.signal.throwIfAborted();
  refuseUnescaped(filledUrl(settings), writtenIn(settings));
  const url = ask.database === undefined ? filledUrl(settings) : ofDatabase(filledUrl(settings), ask.database);
  const ssl = await tlsOf(settings);
  const timeoutMs = ask.timeoutMs ?? CONNECT_MS;
  const { Client: PostgresClient } = await import("pg");
  const connecting = (): Client => {
    try {
      return new PostgresClient({
        connectionString: url,
        connectionTimeoutMillis: timeoutMs,
        application_name: ask.application,
        keepAlive: true,
        ...ssl,
      });
    } catch (error) {
      throw connectFault(error, placeOf(url), settings.redact, formatDuration(timeoutMs));
    }
  };
  const client = connecting();
  let isLost = false;
  // A connection that breaks while nobody waits for it must not end the program; whoever asks next is told.
  client.on("error", () => (isLost = true));
  client.on("end", () => (isLost = true));
  // A connection that is ended while it comes about neither comes about nor fails.
  const givenUp = Promise.withResolvers<never>();
  givenUp.promise.catch(() => undefined);
  const end = (): void => {
    void client.end().catch(() => undefined);
    givenUp.reject(ask.signal.reason);
  };
  ask.signal.addEventListener("abort", end, { once: true });
  try {
    await Promise.race([client.connect(), givenUp.promise]);
  } catch (error) {
    end();
    ask.signal.removeEventListener("abort", end);
    ask.signal.throwIfAborted();
    throw connectFault(error, placeOf(url), redactOf(settings), formatDuration(timeoutMs));
  }
  return {
    client,
    isLost: () => isLost,
    [Symbol.asyncDispose]: async () => {
      ask.signal.removeEventListener("abort", end);
      await client.end().catch(() => undefined);
    },
  };
}

/** What stands before such a sign is no host but a piece of the password: nobody is asked for it, and it is shown to nobody. */
function refuseUnescaped(url: string, where: string): void {
  if (!/^[a-z][a-z0-9+.-]*:\/\//i.test(url))
    throw new FaultError({
      code: "database-unreachable",
      what: "The address of the database can't be read: it begins with no `postgres://`.",
      where,
      fix: "write it so: postgres://USER:PASSWORD@HOST:5432/DATABASE",
    });
  if (!isUnescaped(url)) return;
  throw new FaultError({
    code: "database-unreachable",
    what: "The address of the database can't be read: a `#`, `/` or `?` stands before its `@`, where the password is.",
    where,
    fix: "write these signs of the password %-encoded: `#` is %23, `/` is %2F, `?` is %3F, `@` is %40",
  });
}

/** The variable that holds all of it, else where it stands: it can't be read, so nothing of itself may be shown. */
function writtenIn({ url, writtenIn: place = "database.url" }: DatabaseSettings): string {
  return /^\$\{(\w+)\}$/.exec(url.trim())?.[1] ?? place;
}

function isUnescaped(url: string): boolean {
  // An option has its `=` before whatever `@` there is.
  return /^[a-z][^:]*:\/\/[^/?#]*(?:\/[^?#]*@|[^#]*#.*@|\?[^=#]*@)/i.test(url);
}

/** The address of another database of the same server. */
export function ofDatabase(url: string, name: string): string {
  if (!URL.canParse(url)) return url;
  const other = new URL(url);
  other.pathname = `/${encodeURIComponent(name)}`;
  return other.href;
}

/** Hides the address's own password too, which a server may repeat. */
export function redactOf(settings: DatabaseSettings): (text: string) => string {
  const password = passwordOf(filledUrl(settings));
  const own = redactor(password === null ? [] : [password]);
  return (text) => own.text(settings.redact(text));
}

function passwordOf(url: string): string | null {
  const written = /^[a-z]+:\/\/[^/@]*?:(.+)@/i.exec(url)?.[1] ?? /[?&]password=([^&]+)/.exec(url)?.[1];
  if (written === undefined) return null;
  try {
    return decodeURIComponent(written);
  } catch {
    return written;
  }
}

/** Where it is, as people may read it: without user, password and options. */
export function placeOf(url: string): string {
  const parsed = /^[^:]+:\/\//.test(url) && URL.canParse(url) && !isUnescaped(url) ? new URL(url) : null;
  if (parsed === null) return "the database";
  const host = parsed.searchParams.get("host") ?? parsed.hostname;
  const name = decodeURIComponent(parsed.pathname.slice(1));
  return `${name === "" ? "the database" : name} at ${host === "" ? "localhost" : host}${parsed.port === "" ? "" : `:${parsed.port}`}`;
}

async function tlsOf({ ca }: DatabaseSettings): Promise<{ readonly ssl?: { readonly ca: string } }> {
  if (ca === undefined) return {};
  try {
    return { ssl: { ca: await readFile(ca, "utf8") } };
  } catch (error) {
    throw new FaultError(
      {
        code: "database-certificates-unreadable",
        what: "The certificates for the database can't be read.",
        where: ca,
        cause: error instanceof Error ? error.message : String(error),
        fix: "write the path of a PEM file under `database: ca:`",
      },
      { cause: error },
    );
  }
}
