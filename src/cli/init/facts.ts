/** What `init` found out about a folder: enough for a plan file, and what a person should check. */
export interface Facts {
  readonly app: string;
  readonly services: readonly ServiceFacts[];
  /** Where the front door listens. */
  readonly front: number;
  /** What was taken for granted, a sentence each. */
  readonly assumed: readonly string[];
  /** What could not be found out, a sentence each. */
  readonly unknown: readonly string[];
}

export interface ServiceFacts {
  readonly name: string;
  /** null: nobody knows how it starts, unless compose does. */
  readonly run: string | null;
  /** It is a service of the compose file. */
  readonly compose?: { readonly service: string; readonly port?: number };
  readonly build?: string;
  readonly isRouted: boolean;
  readonly health?: string;
  readonly files: readonly string[];
}

/** Reads files of the folder; undefined where there is none. */
export interface Folder {
  readonly path: string;
  read(name: string): string | undefined;
  has(name: string): boolean;
  /** Names in a sub-folder; empty where there is none. */
  list(name: string): readonly string[];
}
