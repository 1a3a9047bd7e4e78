import type { Client } from "pg";
import { filledUrl } from "../../database/postgres/connect.ts";
import type { DatabaseSettings } from "../../database/settings.ts";

/**
 * How PostgreSQL's own programs get to where this connection is: by their environment, which nobody else of the machine can read, as they
 * could an argument.
 */
export function programEnvironment(
  settings: DatabaseSettings,
  client: Client,
  env: Readonly<Record<string, string | undefined>>,
): Readonly<Record<string, string | undefined>> {
  const { host, port, user, database } = client;
  // Not in its types: it is kept where printing the client does not show it.
  const { password } = client as Client & { readonly password?: unknown };
  return {
    ...env,
    PGHOST: host,
    PGPORT: String(port),
    ...(user === undefined ? {} : { PGUSER: user }),
    ...(database === undefined ? {} : { PGDATABASE: database }),
    ...(typeof password === "string" && password !== "" ? { PGPASSWORD: password } : {}),
    ...tlsOf(settings, client),
    PGAPPNAME: "tidegate backup",
    PGCONNECT_TIMEOUT: "10",
    // Their sentences are read by people and by us.
    LC_MESSAGES: "C",
  };
}

function tlsOf(settings: DatabaseSettings, client: Client): Readonly<Record<string, string>> {
  if (settings.ca !== undefined) return { PGSSLMODE: "verify-full", PGSSLROOTCERT: settings.ca };
  const url = filledUrl(settings);
  const options = URL.canParse(url) ? new URL(url).searchParams : new URLSearchParams();
  const mode = options.get("sslmode");
  const named = { sslrootcert: "PGSSLROOTCERT", sslcert: "PGSSLCERT", sslkey: "PGSSLKEY" };
  const files = Object.entries(named).flatMap(([option, name]) => {
    const file = options.get(option);
    return file === null ? [] : [[name, file] as const];
  });
  return {
    // `no-verify` is a word of this client alone.
    ...(mode === null
      ? client.ssl
        ? { PGSSLMODE: "require" }
        : {}
      : { PGSSLMODE: mode === "no-verify" ? "require" : mode }),
    ...Object.fromEntries(files),
  };
}
