import { FaultError } from "../../core/fault.ts";

/** `${lower}` is Tidegate's, `${UPPER}` is the user's; anything else between braces is left to the shell. */
const PLACE = /\$\{([A-Za-z_][A-Za-z0-9_]*)\}/g;

const ESCAPABLE_PLACE = /\$(\$?)\{([A-Za-z_][A-Za-z0-9_]*)\}/g;

/** What Tidegate itself fills in: `port`, `version`, `dir`, `slot`. */
export type OwnNames = Readonly<Record<string, string>>;
export type Lookup = (name: string) => string | undefined;

/** Where a text stands, for people: "`run` of web". */
export type Where = string;

/** A value of `env` with every name replaced; `$${NAME}` is the text itself. Faults: undefined-name. */
export function fillIn(text: string, own: OwnNames, users: Lookup, where: Where): string {
  return text.replaceAll(ESCAPABLE_PLACE, (place, escape: string, name: string) => {
    if (escape !== "") return place.slice(1);
    const value = isOwn(name) ? own[name] : users(name);
    if (value === undefined) throw undefinedName(name, own, where);
    return value;
  });
}

/** The text with Tidegate's own names replaced and the user's left as they stand, for `fillReferences`. */
export function withoutValues(text: string, own: OwnNames): string {
  return text.replaceAll(ESCAPABLE_PLACE, (place, escape: string, name: string) => {
    if (escape !== "" || !isOwn(name)) return place;
    // A folder may be called anything, and is no reference whatever it is called.
    return (own[name] ?? place).replaceAll("${", () => "$${");
  });
}

/** The user's names in a text. */
export function usersNamesIn(text: string): readonly string[] {
  return [...new Set([...text.matchAll(PLACE)].map((match) => match[1] ?? "").filter((name) => !isOwn(name)))];
}

/**
 * A shell line ready for `/bin/sh -c`. Tidegate's own names are replaced; the user's are left to the shell, which
 * has them in its environment: so no secret appears in a command line that every user of the machine can list, and no
 * value is ever read as shell code. `users` only says which of them are known. Faults: undefined-name.
 */
export function shellLine(line: string, own: OwnNames, users: Lookup, where: Where): string {
  const assignments: string[] = [];
  const filled = line.replaceAll(PLACE, (place, name: string) => {
    if (!isOwn(name)) {
      if (users(name) === undefined && !assignsItself(line, name)) throw undefinedName(name, own, where);
      return place;
    }
    const value = own[name];
    if (value === undefined) {
      if (assignsItself(line, name)) return place;
      throw undefinedName(name, own, where);
    }
    if (MEANS_NOTHING_TO_SHELLS.test(value)) return value;
    // A folder with a blank in its name: as a variable it is right in every kind of quotes that expands at all.
    const assignment = `${name}='${value.replaceAll("'", `'\\''`)}'; `;
    if (!assignments.includes(assignment)) assignments.push(assignment);
    return place;
  });
  return assignments.join("") + filled;
}

const MEANS_NOTHING_TO_SHELLS = /^[\w@%+=:,./-]*$/;

function isOwn(name: string): boolean {
  return /^[a-z]/.test(name);
}

/** `for name in …; do … ${name}`, `NAME=x; echo ${NAME}`: the shell's own variables. */
function assignsItself(line: string, name: string): boolean {
  return new RegExp(String.raw`(?:^|[\s;&|({])(?:${name}=|(?:for|read)\s+${name}\b)`).test(line);
}

function undefinedName(name: string, own: OwnNames, where: Where): FaultError {
  const known = Object.keys(own).map((each) => `\${${each}}`);
  return new FaultError({
    code: "undefined-name",
    what: `\`\${${name}}\` has no value here.`,
    where,
    fix: isOwn(name)
      ? `Tidegate fills in ${known.join(", ")} here; names of your own are written in capitals`
      : `set it in the environment: ${name}=… tidegate release`,
  });
}
