import { FaultError } from "../../core/fault.ts";

/** A systemd unit: its file name and text. */
export interface Unit {
  readonly name: string;
  readonly text: string;
}

export interface UnitsOrder {
  readonly app: string;
  readonly environment: string;
  readonly scope: "user" | "system";
  /** Of `--system`: the account that everything runs as. */
  readonly user: string;
  /** How Tidegate is started: Node and its script. */
  readonly self: readonly string[];
  readonly folder: string;
  readonly planFile: string;
  readonly statePath: string;
  /** What `--state` was, so that the engine finds the same folder again; absent: the default beside the plan file. */
  readonly stateOption: string | undefined;
  /** PATH of whoever installs: node, npm and git may lie where systemd does not look. */
  readonly path: string;
}

/**
 * Keeper and engine as services. Each is stopped alone (`KillMode=process`), because the instances that they started
 * must go on serving. Sources: systemd.service(5), systemd.exec(5), systemd.kill(5).
 */
export function unitsOf(order: UnitsOrder): readonly Unit[] {
  const base = `tidegate-${order.app}-${order.environment}`;
  const keeper = `${base}-keeper.service`;
  return [
    { name: keeper, text: unit(order, "keeper", ["keeper", "--state", order.statePath, "--take-over"], []) },
    {
      name: `${base}-serve.service`,
      text: unit(order, "serve", serveWords(order), [`Wants=${keeper}`, `After=${keeper}`]),
    },
  ];
}

/** Where the values of `${UPPER}` references come from at boot. */
export function environmentFile({ statePath }: Pick<UnitsOrder, "statePath">): string {
  return `${statePath}/environment`;
}

function serveWords({ planFile, environment, stateOption }: UnitsOrder): readonly string[] {
  return [
    "serve",
    "--file",
    planFile,
    "--env",
    environment,
    ...(stateOption === undefined ? [] : ["--state", stateOption]),
  ];
}

function unit(order: UnitsOrder, part: string, words: readonly string[], relations: readonly string[]): string {
  const { app, environment, scope, user, self, folder, path } = order;
  return [
    "# Written by tidegate service install.",
    "[Unit]",
    `Description=Tidegate ${part} of ${specifiers(app)} (${specifiers(environment)})`,
    ...(scope === "system" ? ["After=network.target"] : []),
    ...relations,
    "",
    "[Service]",
    "Type=exec",
    ...(scope === "system" ? [`User=${specifiers(user)}`] : []),
    `WorkingDirectory=${pathValue(folder)}`,
    `Environment=${quoted(`PATH=${path}`)}`,
    `EnvironmentFile=-${pathValue(environmentFile(order))}`,
    `ExecStart=${commandLine([...self, ...words])}`,
    // What it started lives on when it is stopped or started anew; tidegate down stops all.
    "KillMode=process",
    "Restart=always",
    "RestartSec=1",
    "",
    "[Install]",
    `WantedBy=${scope === "system" ? "multi-user.target" : "default.target"}`,
    "",
  ].join("\n");
}

/** Words as ExecStart reads them back: quoted, with `%`, and after the program `$`, doubled. */
export function commandLine(words: readonly string[]): string {
  return words.map((word, index) => quoted(index === 0 ? word : word.replaceAll("$", "$$$$"))).join(" ");
}

function quoted(word: string): string {
  const text = specifiers(oneLine(word)).replaceAll("\\", "\\\\").replaceAll('"', '\\"');
  return /^[A-Za-z0-9_@%+=:,./-]+$/.test(text) ? text : `"${text}"`;
}

/** A path that takes the rest of its line: no quotes, but specifiers are still read. */
function pathValue(path: string): string {
  return specifiers(oneLine(path));
}

function specifiers(text: string): string {
  return text.replaceAll("%", "%%");
}

function oneLine(text: string): string {
  if (!/\p{Cc}/u.test(text)) return text;
  throw new FaultError({
    code: "usage",
    what: "A path with a line break or another control character in it can't stand in a systemd unit.",
    where: JSON.stringify(text),
    fix: "rename the folder",
  });
}
