/**
 * What a statement does to a database, without the words that it does it with. Names of tables, types and the like have their schema where one
 * is written (`shop.users`).
 */
export type Change =
  | {
      readonly kind: "create-table";
      readonly table: string;
      readonly columns: readonly Column[];
      readonly isTemporary: boolean;
      readonly isQualified: boolean;
    }
  | { readonly kind: "add-column"; readonly table: string; readonly column: Column }
  | { readonly kind: "drop-column"; readonly table: string; readonly column: string }
  /** `keepsValues`: the new values are worked out of the old ones. */
  | {
      readonly kind: "change-type";
      readonly table: string;
      readonly column: string;
      readonly type: Type;
      readonly keepsValues: boolean;
    }
  | { readonly kind: "set-not-null"; readonly table: string; readonly column: string }
  | { readonly kind: "drop-default"; readonly table: string; readonly column: string }
  | { readonly kind: "add-constraint"; readonly table: string; readonly constraint: Constraint }
  | { readonly kind: "validate-constraint"; readonly table: string; readonly name: string }
  | { readonly kind: "drop-constraint"; readonly table: string; readonly name: string }
  /** The whole table is written anew: another storage, logging or place. */
  | { readonly kind: "rewrite-table"; readonly table: string; readonly by: string }
  | { readonly kind: "detach-partition"; readonly table: string; readonly isConcurrent: boolean }
  | { readonly kind: "row-security"; readonly table: string }
  | { readonly kind: "alter-table"; readonly table: string }
  | {
      readonly kind: "create-index";
      readonly name: string | null;
      readonly table: string;
      readonly columns: readonly (string | null)[];
      readonly isUnique: boolean;
      readonly isConcurrent: boolean;
    }
  | {
      readonly kind: "drop";
      readonly what: Dropped;
      readonly names: readonly string[];
      readonly isConcurrent: boolean;
      readonly isQualified: boolean;
    }
  | { readonly kind: "drop-owned"; readonly roles: readonly string[] }
  | { readonly kind: "rename"; readonly what: Renamed; readonly of: string; readonly from: string; readonly to: string }
  | { readonly kind: "move-schema"; readonly name: string; readonly to: string }
  /** A view, function, sequence or schema that was not there. */
  | { readonly kind: "create-object"; readonly name: string; readonly isSchema: boolean }
  | { readonly kind: "create-type"; readonly name: string; readonly isEnum: boolean }
  | { readonly kind: "add-enum-value"; readonly type: string; readonly isOrdered: boolean }
  | { readonly kind: "rename-enum-value"; readonly type: string; readonly from: string; readonly to: string }
  | { readonly kind: "create-domain"; readonly name: string; readonly hasConstraint: boolean }
  | { readonly kind: "constrain-domain"; readonly name: string }
  | { readonly kind: "truncate"; readonly tables: readonly string[]; readonly isCascading: boolean }
  | { readonly kind: "reindex"; readonly isConcurrent: boolean; readonly isSystem: boolean; readonly what: string }
  | { readonly kind: "repack"; readonly by: "VACUUM FULL" | "CLUSTER"; readonly table: string | null }
  | { readonly kind: "refresh-view"; readonly view: string; readonly isConcurrent: boolean }
  | { readonly kind: "revoke"; readonly names: readonly string[] }
  | { readonly kind: "lock-table"; readonly tables: readonly string[] }
  | { readonly kind: "create-trigger"; readonly table: string }
  /** `isWhole`: nothing says which rows; of an INSERT, neither WHERE nor ON CONFLICT. */
  | {
      readonly kind: "write-rows";
      readonly by: "INSERT" | "UPDATE" | "DELETE" | "MERGE";
      readonly table: string;
      readonly isWhole: boolean;
    }
  /** `values`: those that are written as words or texts. */
  | { readonly kind: "set"; readonly variable: string; readonly values: readonly string[] }
  | { readonly kind: "begin" }
  | { readonly kind: "end" }
  /** Reads or writes rows, or says nothing of the schema. */
  | { readonly kind: "none" }
  /** Changes the schema in a way that nothing here asks about. */
  | { readonly kind: "other"; readonly name: string };

export type ChangeOf<Kind extends Change["kind"]> = Extract<Change, { readonly kind: Kind }>;

export interface Column {
  readonly name: string;
  readonly type: Type;
  readonly isNotNull: boolean;
  readonly default: "none" | "constant" | "volatile";
  /** Worked out for each row and stored. */
  readonly isGenerated: boolean;
  readonly isIdentity: boolean;
  readonly constraints: readonly Constraint[];
}

export interface Type {
  /** As it is written, without schema and length: `varchar`. */
  readonly name: string;
  readonly schema: string | null;
  readonly hasLength: boolean;
}

export interface Constraint {
  readonly kind: "check" | "foreign" | "unique" | "primary" | "exclusion";
  readonly name: string | null;
  readonly columns: readonly string[];
  /** Every row is looked at when it is added. */
  readonly isValidated: boolean;
  readonly index: string | null;
  /** The column of which a check says nothing but that it is not null. */
  readonly notNullOf: string | null;
}

export type Dropped =
  "table" | "index" | "view" | "type" | "function" | "sequence" | "schema" | "trigger" | "policy" | "other";
export type Renamed =
  "table" | "column" | "view" | "schema" | "constraint" | "type" | "function" | "sequence" | "index" | "other";
