import { readFileSync, statSync } from "node:fs";
import { createSecureContext, type SecureContextOptions } from "node:tls";
import { FaultError } from "../core/fault.ts";
import type { TlsFiles } from "../core/plan/traffic.ts";

/** Renewal replaces files in ways that no watcher sees alike (links, renames, mounts): looking is cheap and sure. */
const LOOK_MS = 1_000;

/** Certificate and key, proven to belong together. Faults: tls-files-unusable. */
export function readTlsFiles({ certificate, key }: TlsFiles): SecureContextOptions {
  try {
    const options: SecureContextOptions = {
      cert: readFileSync(certificate),
      key: readFileSync(key),
      minVersion: "TLSv1.2",
    };
    createSecureContext(options);
    return options;
  } catch (error) {
    throw new FaultError(
      {
        code: "tls-files-unusable",
        what: "The TLS certificate and key can't be used.",
        where: `${certificate}, ${key}`,
        cause: error instanceof Error ? error.message : String(error),
        fix: "give a PEM certificate (with its chain) and its own key, readable by this user",
      },
      { cause: error },
    );
  }
}

/**
 * Calls back with each new pair of files that belongs together. Between the replacement of the one and of the other they
 * do not: then the old pair stays until they do. Answers what stops it.
 */
export function watchTlsFiles(files: TlsFiles, onChange: (options: SecureContextOptions) => void): () => void {
  let seen = stamp(files);
  const timer = setInterval(() => {
    const now = stamp(files);
    if (now === seen) return;
    try {
      onChange(readTlsFiles(files));
      seen = now;
    } catch {
      // Half replaced, or broken: looked at again.
    }
  }, LOOK_MS);
  timer.unref();
  return () => clearInterval(timer);
}

function stamp({ certificate, key }: TlsFiles): string {
  return [certificate, key]
    .map((path) => {
      const stat = statSync(path, { throwIfNoEntry: false });
      return stat === undefined ? "none" : `${stat.ino}:${stat.size}:${stat.mtimeMs}`;
    })
    .join(" ");
}
