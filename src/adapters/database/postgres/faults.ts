import { FaultError } from "../../../core/fault.ts";
import { onOneLine } from "../../../core/text/plain-text.ts";

/** Why nobody gets in, or nothing answers. */
export function connectFault(
  error: unknown,
  where: string,
  redact: (text: string) => string,
  within: string,
): FaultError {
  const { code, message } = errorOf(error);
  const cause = onOneLine(redact(message), 300);
  const fault = (what: string, fix: string, name = "database-unreachable"): FaultError =>
    new FaultError({ code: name, what, where, cause, fix }, { cause: error });
  if (code.startsWith("28"))
    return fault("PostgreSQL lets nobody in.", "check user and password in the address", "database-refused");
  if (/password must be a (?:non-empty )?string/.test(message))
    return new FaultError(
      {
        code: "database-refused",
        what: "PostgreSQL asks for a password, and the address has none.",
        where,
        fix: "write it into the address: postgres://USER:PASSWORD@HOST/DATABASE",
      },
      { cause: error },
    );
  if (code === "3D000") return fault("There is no database of this name.", "createdb NAME, or mend the address");
  if (code === "53300") return fault("PostgreSQL has no connection left.", "end some, or raise max_connections");
  if (code === "57P03") return fault("PostgreSQL is starting or shutting down.", "try again in a moment");
  if (code === "ECONNREFUSED" || code === "ENOENT")
    return fault("PostgreSQL does not listen there.", "start it, or mend the address");
  if (code === "ENOTFOUND" || code === "EAI_AGAIN") return fault("This host is not known.", "mend the address");
  if (/timeout|terminated/i.test(message))
    return fault(
      `PostgreSQL gives no answer within ${within}.`,
      "look whether a firewall or a full server is in the way",
    );
  if (/Invalid URL|certificate|self[- ]signed|SSL/i.test(message))
    return fault("No connection to PostgreSQL comes about.", "check the address, its sslmode and `database: ca:`");
  return fault("PostgreSQL can't be reached.", "check the address in DATABASE_URL");
}

export interface PostgresError {
  /** SQLSTATE, or Node's word for a broken connection. */
  readonly code: string;
  readonly message: string;
  readonly detail?: string;
  readonly hint?: string;
  /** In characters of the statement, from 1. */
  readonly position?: number;
}

export function errorOf(error: unknown): PostgresError {
  if (!(error instanceof Error)) return { code: "", message: String(error) };
  const { code = "", message, detail, hint, position } = error as Error & Record<string, string | undefined>;
  // Of several addresses each has its own reason, and the whole has none.
  const first = error instanceof AggregateError ? errorOf(error.errors[0]) : null;
  return {
    code: code === "" ? (first?.code ?? "") : code,
    message: (message === undefined || message === "" ? first?.message : message) ?? "",
    ...(detail === undefined ? {} : { detail }),
    ...(hint === undefined ? {} : { hint }),
    ...(position === undefined ? {} : { position: Number(position) }),
  };
}
