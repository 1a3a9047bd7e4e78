/**
 * A user's shell line as it is given to `/bin/sh -c`. One that is a single command takes the shell's place: its pid is
 * the app's own, a signal that ends it is seen as one, and no shell stands by for nothing.
 */
export function shellCommand(line: string): string {
  const [first = ""] = line.trim().split(/\s/);
  const isSingle = !OPERATORS.test(line) && PROGRAM.test(first) && !OF_THE_SHELL.has(first);
  return isSingle ? `exec ${line.trim()}` : line;
}

/** Also where they are quoted and mean nothing: then the shell just stays. */
const OPERATORS = /[;&|<>()`\n#]/;
/** No assignment, no expansion, no quotes. */
const PROGRAM = /^[\w./@+-]+$/;

const OF_THE_SHELL = new Set(
  ". alias bg break case cd command continue do done elif else esac eval exec exit export fc fg fi for function getopts hash if in jobs local read readonly return select set shift source then time times trap type ulimit umask unalias unset until wait while".split(
    " ",
  ),
);
