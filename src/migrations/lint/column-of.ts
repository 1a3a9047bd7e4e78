import type { ColumnDef, Constraint as ConstraintNode, Node, TypeName } from "@pgsql/types";
import type { Column, Constraint, Type } from "./change.ts";
import { textsOf } from "./names.ts";

export function columnOf({ colname = "", typeName, constraints = [] }: ColumnDef): Column {
  const own = constraints.flatMap((each): readonly ConstraintNode[] => ("Constraint" in each ? [each.Constraint] : []));
  const of = (type: ConstraintNode["contype"]): ConstraintNode | undefined =>
    own.find(({ contype }) => contype === type);
  const given = of("CONSTR_DEFAULT");
  const type = typeOf(typeName);
  const isSerial = /^(?:small|big)?serial[248]?$/.test(type.name);
  return {
    name: colname,
    type,
    isNotNull: of("CONSTR_NOTNULL") !== undefined || of("CONSTR_PRIMARY") !== undefined,
    default:
      given?.raw_expr === undefined
        ? isSerial
          ? "volatile"
          : "none"
        : isVolatile(given.raw_expr)
          ? "volatile"
          : "constant",
    // A virtual one is worked out when it is read.
    isGenerated: of("CONSTR_GENERATED")?.generated_kind === "s",
    isIdentity: of("CONSTR_IDENTITY") !== undefined,
    constraints: own
      .map((each) => constraintOf(each, colname))
      .filter((each): each is Constraint => each !== null && each.kind !== undefined),
  };
}

export function typeOf(type: TypeName | undefined): Type {
  const names = (type?.names ?? []).flatMap(textsOf);
  return {
    name: names.at(-1) ?? "",
    schema: names.length > 1 ? (names[0] ?? null) : null,
    hasLength: (type?.typmods ?? []).length > 0,
  };
}

const KINDS: Readonly<Record<string, Constraint["kind"]>> = {
  CONSTR_CHECK: "check",
  CONSTR_FOREIGN: "foreign",
  CONSTR_UNIQUE: "unique",
  CONSTR_PRIMARY: "primary",
  CONSTR_EXCLUSION: "exclusion",
};

export function constraintOf(node: ConstraintNode): Constraint;
export function constraintOf(node: ConstraintNode, column: string): Constraint | null;
export function constraintOf(
  { contype, conname, keys = [], fk_attrs = [], skip_validation, indexname, raw_expr }: ConstraintNode,
  column?: string,
): Constraint | null {
  const kind = KINDS[contype ?? ""];
  if (kind === undefined && column !== undefined) return null;
  return {
    // Not null, by its name alone or written as a table's constraint, is a check of its own kind.
    kind: kind ?? "check",
    name: conname ?? null,
    columns: column === undefined ? [...keys, ...fk_attrs].flatMap(textsOf) : [column],
    isValidated: skip_validation !== true,
    index: indexname ?? null,
    notNullOf: raw_expr === undefined ? null : notNullOf(raw_expr),
  };
}

function notNullOf(expression: Node): string | null {
  if (!("NullTest" in expression) || expression.NullTest.nulltesttype !== "IS_NOT_NULL") return null;
  const { arg } = expression.NullTest;
  return arg !== undefined && "ColumnRef" in arg
    ? ((arg.ColumnRef.fields ?? []).flatMap(textsOf).at(-1) ?? null)
    : null;
}

/** Functions without arguments that give every row the same value. */
const STEADY = new Set(["now", "transaction_timestamp", "statement_timestamp", "current_database", "current_schema"]);

/** Whether each row may get another value: then the whole table is written anew. Of functions that nobody knows it is taken so. */
function isVolatile(expression: Node): boolean {
  if ("FuncCall" in expression) {
    const { funcname = [], args = [] } = expression.FuncCall;
    const name = funcname.flatMap(textsOf).at(-1) ?? "";
    return args.length > 0 || !STEADY.has(name);
  }
  if ("TypeCast" in expression) return expression.TypeCast.arg !== undefined && isVolatile(expression.TypeCast.arg);
  if ("A_Expr" in expression) {
    const { lexpr, rexpr } = expression.A_Expr;
    return [lexpr, rexpr].some((side) => side !== undefined && isVolatile(side));
  }
  if ("A_ArrayExpr" in expression) return (expression.A_ArrayExpr.elements ?? []).some(isVolatile);
  if ("CoalesceExpr" in expression) return (expression.CoalesceExpr.args ?? []).some(isVolatile);
  return !("A_Const" in expression || "SQLValueFunction" in expression);
}
