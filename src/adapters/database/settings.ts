/** What every connection to the app's database is opened with. */
export interface DatabaseSettings {
  /** As it is written: references are filled in at the last moment. */
  readonly url: string;
  /** Where people have written it. Absent: `database.url` of the plan file. */
  readonly writtenIn?: string;
  /** A file of certificates (PEM) to trust instead of the machine's own. */
  readonly ca?: string;
  /** Values for `${UPPER}`. */
  readonly values: () => Readonly<Record<string, string>>;
  /** Hides secrets in what a server says. */
  readonly redact: (text: string) => string;
}
