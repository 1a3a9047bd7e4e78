import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { isIP } from "node:net";
import type { TemporaryFolder } from "../support/temporary-folder.ts";

export interface Authority {
  /** PEM. */
  readonly certificate: string;
  /** A server's certificate for a name or an address, from now for so many days. */
  sign(name: string, days: number): { readonly cert: string; readonly key: string };
}

const NEW_KEY = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"];

/** A test's own authority, made by openssl, valid for so many days. */
export function makeAuthority(folder: TemporaryFolder, days: number): Authority {
  const key = folder.file("authority.key");
  const certificate = folder.file("authority.pem");
  openssl([
    "req",
    "-x509",
    ...NEW_KEY,
    "-subj",
    "/CN=Test authority",
    "-days",
    `${days}`,
    "-keyout",
    key,
    "-out",
    certificate,
  ]);
  return {
    certificate: readFileSync(certificate, "utf8"),
    sign(name, validDays) {
      const own = (suffix: string): string => folder.file(`${name}-${validDays}.${suffix}`);
      writeFileSync(own("ext"), `subjectAltName=${isIP(name) === 0 ? "DNS" : "IP"}:${name}\n`);
      openssl(["req", ...NEW_KEY, "-subj", `/CN=${name}`, "-keyout", own("key"), "-out", own("csr")]);
      const signed = [
        "-CA",
        certificate,
        "-CAkey",
        key,
        "-CAcreateserial",
        "-extfile",
        own("ext"),
        "-days",
        `${validDays}`,
      ];
      openssl(["x509", "-req", "-in", own("csr"), ...signed, "-out", own("pem")]);
      return { cert: readFileSync(own("pem"), "utf8"), key: readFileSync(own("key"), "utf8") };
    },
  };
}

function openssl(args: readonly string[]): void {
  execFileSync("openssl", args, { stdio: ["ignore", "ignore", "pipe"] });
}
