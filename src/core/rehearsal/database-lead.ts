/** Where what led to the app's database leads in a rehearsal. Plain JSON without a secret: it travels in the plan. */
export interface DatabaseLead {
  /** Of the app's own database, without its address. */
  readonly name: string;
  readonly copy: string;
  /** Absent: on the server to which an address leads anyway. */
  readonly at?: ServerPlace;
}

export interface ServerPlace {
  readonly host: string;
  /** Absent: the usual one. */
  readonly port?: number;
  /** The folder of its socket, which goes before the host. */
  readonly socket?: string;
}

/** An address of PostgreSQL: whatever its driver, with `jdbc:` before it or not. */
const ADDRESS =
  /^(?<scheme>(?:jdbc:)?postgres(?:ql)?(?:\+\w+)?:\/\/)(?<user>[^/?#]*@)?(?<server>[^/?#]*)\/(?<name>[^/?#]+)(?:\?(?<settings>[^#]*))?$/i;
/** Names of variables that hold a database's bare name: PGDATABASE, DB_NAME, POSTGRES_DB. */
const NAMES_DATABASE = /^(?:PGDATABASE|(?:\w+_)?(?:DATABASE|DB)_?NAME|(?:POSTGRES|PG)_(?:DB|DATABASE))$/;
/** Names of variables that hold the name of its server. */
const NAMES_SERVER = /^(?:PGHOST|(?:\w+_)?(?:DATABASE|DB|POSTGRES|POSTGRESQL|PG)_?(?:HOST|HOSTNAME|SERVER))$/;

/** What a variable holds, made to lead to the copy; null: it leads elsewhere. */
export function leadVariable(variable: string, value: string, lead: DatabaseLead): string | null {
  if (NAMES_DATABASE.test(variable) && isMeant(value, lead)) return lead.copy;
  return leadAddress(value, lead);
}

/**
 * An address of the app's database, made to lead to the copy, with its own driver, user and settings. An address that goes through a pooler
 * gets the server's own where the lead names that: a pooler knows no other databases.
 */
export function leadAddress(value: string, lead: DatabaseLead): string | null {
  const { scheme = "", user = "", server = "", name = "", settings = "" } = ADDRESS.exec(value)?.groups ?? {};
  if (name === "" || !isMeant(decoded(name), lead)) return null;
  const kept = settings.split("&").filter((each) => each !== "" && (lead.at === undefined || !/^host=/i.test(each)));
  if (lead.at?.socket !== undefined) kept.push(`host=${encodeURIComponent(lead.at.socket)}`);
  const place = lead.at === undefined ? server : serverOf(lead.at);
  return `${scheme}${user}${place}/${encodeURIComponent(lead.copy)}${kept.length === 0 ? "" : `?${kept.join("&")}`}`;
}

/** The database that an address of PostgreSQL names; null: it is none, or names none. */
export function databaseIn(value: string): string | null {
  const name = ADDRESS.exec(value)?.groups?.["name"];
  return name === undefined ? null : decoded(name);
}

/** The server that an address or a variable names; null: it names none. */
export function serverNamed(variable: string, value: string): string | null {
  if (NAMES_SERVER.test(variable)) return value;
  const server = ADDRESS.exec(value)?.groups?.["server"];
  return server === undefined || server === "" ? null : server.replace(/:\d*$/, "");
}

/** One that was led already is led again: it may have passed through Tidegate's own environment. */
function isMeant(name: string, lead: DatabaseLead): boolean {
  return name === lead.name || name === lead.copy;
}

function serverOf({ host, port }: ServerPlace): string {
  return port === undefined ? host : `${host}:${port}`;
}

function decoded(name: string): string {
  try {
    return decodeURIComponent(name);
  } catch {
    return name;
  }
}
