export type Shell = "bash" | "zsh" | "fish";

export interface CompletedCommand {
  readonly name: string;
  readonly summary: string;
  readonly options: readonly { readonly flag: string; readonly about: string }[];
  /** What its first argument may be. */
  readonly words: readonly string[];
}

/** A completion script, made from the commands that there are. */
export function completionScript(shell: Shell, commands: readonly CompletedCommand[]): readonly string[] {
  switch (shell) {
    case "bash":
      return bash(commands);
    case "zsh":
      return zsh(commands);
    case "fish":
      return fish(commands);
  }
}

function bash(commands: readonly CompletedCommand[]): readonly string[] {
  return [
    "# tidegate completion for bash: source <(tidegate completion bash)",
    "_tidegate() {",
    '  local current="${COMP_WORDS[COMP_CWORD]}" previous="${COMP_WORDS[COMP_CWORD-1]}" command="" word skip=""',
    "  # The value of an option before the command is not the command.",
    '  for word in "${COMP_WORDS[@]:1:COMP_CWORD-1}"; do',
    '    if [ -n "$skip" ]; then skip=""; continue; fi',
    '    case "$word" in --file|--env|--state) skip=1 ;; -*) ;; *) command="$word"; break ;; esac',
    "  done",
    '  case "$previous" in',
    '    --file) COMPREPLY=($(compgen -f -- "$current")); return ;;',
    '    --state) COMPREPLY=($(compgen -d -- "$current")); return ;;',
    "  esac",
    '  case "$command" in',
    `    "") COMPREPLY=($(compgen -W "${commands.map(({ name }) => name).join(" ")} --help --version" -- "$current")) ;;`,
    ...commands.map(
      ({ name, options, words }) =>
        `    ${name}) COMPREPLY=($(compgen -W "${[...words, ...options.map(({ flag }) => flag), "--help"].join(" ")}" -- "$current")) ;;`,
    ),
    "  esac",
    "}",
    "complete -F _tidegate tidegate",
  ];
}

function zsh(commands: readonly CompletedCommand[]): readonly string[] {
  return [
    "#compdef tidegate",
    "# tidegate completion for zsh: source <(tidegate completion zsh)",
    "_tidegate() {",
    "  local -a commands options",
    "  commands=(",
    ...commands.map(({ name, summary }) => `    ${quoted(`${name}:${summary.replaceAll(":", String.raw`\:`)}`)}`),
    "  )",
    "  if (( CURRENT == 2 )); then",
    "    _describe 'command' commands",
    "    return",
    "  fi",
    '  case "$words[2]" in',
    ...commands.map(({ name, options, words }) => {
      const items = [...words, ...options.map(({ flag, about }) => `${flag}:${about.replaceAll(":", String.raw`\:`)}`)];
      return `    ${name}) options=(${items.map(quoted).join(" ")}) ;;`;
    }),
    "  esac",
    "  _describe 'option' options || _files",
    "}",
    'if [ "$funcstack[1]" = "_tidegate" ]; then _tidegate "$@"; else compdef _tidegate tidegate; fi',
  ];
}

function fish(commands: readonly CompletedCommand[]): readonly string[] {
  return [
    "# tidegate completion for fish: tidegate completion fish > ~/.config/fish/completions/tidegate.fish",
    "complete -c tidegate -f",
    ...commands.flatMap(({ name, summary, options, words }) => [
      `complete -c tidegate -n __fish_use_subcommand -a ${name} -d ${quoted(summary)}`,
      ...words.map((word) => `complete -c tidegate -n '__fish_seen_subcommand_from ${name}' -a ${word}`),
      ...options.map(
        ({ flag, about }) =>
          `complete -c tidegate -n '__fish_seen_subcommand_from ${name}' -l ${flag.slice(2)} -d ${quoted(about)}`,
      ),
    ]),
    "complete -c tidegate -l file -F",
  ];
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", String.raw`'\''`)}'`;
}
