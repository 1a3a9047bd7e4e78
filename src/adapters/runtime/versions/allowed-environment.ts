type Environment = Readonly<Record<string, string | undefined>>;

/** What any program needs to find its way on the machine. */
const EVERYWHERE = [
  /^(?:PATH|HOME|USER|LOGNAME|SHELL|LANG|LANGUAGE|TZ|TMPDIR)$/,
  /^LC_/,
  /^XDG_/,
  /^(?:https?|all|no|ftp)_proxy$/i,
  /^(?:SSL_CERT_FILE|SSL_CERT_DIR|NODE_EXTRA_CA_CERTS)$/,
];

/** What package managers and compilers are set up by. */
const FOR_BUILDS = [
  /^npm_config_(?!local_prefix$)/i,
  /^(?:PIP|UV|POETRY|BUNDLE|COREPACK|YARN|PNPM|COMPOSER|MAVEN|GRADLE|CARGO|GO)_/,
  /^(?:NVM_DIR|PYENV_ROOT|RBENV_ROOT|GEM_HOME|JAVA_HOME|RUSTUP_HOME|GOPATH|GOPROXY|GOCACHE|GOMODCACHE|GOFLAGS|GOPRIVATE)$/,
];

/** For instances: they get what the plan gives them, not what the terminal happened to hold when they were started. */
export function environmentToRun(env: Environment): Record<string, string> {
  return only(env, EVERYWHERE);
}

/** For builds: tools find their caches and registries, and no run-time secret is there to be baked in. */
export function environmentToBuild(env: Environment): Record<string, string> {
  return only(env, [...EVERYWHERE, ...FOR_BUILDS]);
}

function only(env: Environment, allowed: readonly RegExp[]): Record<string, string> {
  return Object.fromEntries(
    Object.entries(env).filter(
      (entry): entry is [string, string] => entry[1] !== undefined && allowed.some((name) => name.test(entry[0])),
    ),
  );
}
