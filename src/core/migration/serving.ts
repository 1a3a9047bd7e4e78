/** What is known of a database and of those who use it now: what the linter weighs its findings by. Plain JSON. */
export interface Serving {
  readonly catalogue: Catalogue;
  /** null: nobody knows what is asked of it. */
  readonly queries: ServedQueries | null;
}

/** What of the names that a linter asked about is there, in any schema. Names of types, functions and schemas stand as they are. */
export interface Catalogue {
  readonly relations: readonly Relation[];
  readonly types: readonly KnownType[];
  readonly functions: readonly string[];
  readonly schemas: readonly string[];
  /** Functions in whose text one of the names stands. */
  readonly mentions: readonly { readonly name: string; readonly by: string }[];
}

export interface Relation {
  readonly name: string;
  readonly schema: string;
  /** The one that is meant where its name is written without a schema. */
  readonly isVisible: boolean;
  readonly kind: "table" | "view" | "index" | "sequence";
  /** As the server estimates them; null: it does not know. */
  readonly rows: number | null;
  /** With its indexes; null: it could not be asked. */
  readonly bytes: number | null;
  /** Of an index: the table that it is of, with its schema. */
  readonly table: string | null;
  readonly columns: readonly KnownColumn[];
  readonly constraints: readonly KnownConstraint[];
  readonly indexes: readonly KnownIndex[];
  /** Views that read it, also through others, with their schema. */
  readonly readers: readonly {
    readonly view: string;
    /** null: no particular one. */
    readonly column: string | null;
  }[];
}

export interface KnownColumn {
  readonly name: string;
  /** As the server writes it: `character varying(40)`. */
  readonly type: string;
  readonly isNotNull: boolean;
  readonly hasDefault: boolean;
}

export interface KnownConstraint {
  readonly name: string;
  readonly kind: "check" | "foreign" | "unique" | "primary" | "exclusion";
  readonly columns: readonly string[];
  readonly isValidated: boolean;
  /** The column of which a check says nothing but that it is not null. */
  readonly notNullOf: string | null;
}

export interface KnownIndex {
  readonly name: string;
  readonly isUnique: boolean;
  readonly isPartial: boolean;
  /** null: an expression. */
  readonly columns: readonly (string | null)[];
}

export interface KnownType {
  readonly name: string;
  /** Tables with a column of it. */
  readonly tables: readonly string[];
}

/** What the version that serves asks of its database. */
export interface ServedQueries {
  /** `pg_stat_statements`, or the path of a file. */
  readonly from: string;
  readonly list: readonly ServedQuery[];
  /** Why there may be others, as the rest of a sentence; null: these are all. */
  readonly doubt: string | null;
}

export interface ServedQuery {
  /** What people call it; null: it has no name. */
  readonly name: string | null;
  readonly sql: string;
  /** null: nobody has counted. */
  readonly calls: number | null;
}
