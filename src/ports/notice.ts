/** What a person should know before a release begins, of what it would run on. */
export interface Notice {
  /** What it is about: "docker", "web". */
  readonly about: string;
  /** `bad`: a release can't work. `warn`: it can, and a person should know. `info`: as it should be. */
  readonly level: "ok" | "info" | "warn" | "bad";
  /** A sentence without its full stop. */
  readonly sentence: string;
  /** Where it stands or is: `compose.yaml:7`. */
  readonly where?: string;
  readonly fix?: string;
}
