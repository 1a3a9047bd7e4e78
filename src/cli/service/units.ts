import { commandLine, unitPath, unitText, unitWord } from "../../core/text/unit-words.ts";

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
    `Description=Tidegate ${part} of ${unitText(app)} (${unitText(environment)})`,
    ...(scope === "system" ? ["After=network.target"] : []),
    ...relations,
    "",
    "[Service]",
    "Type=exec",
    ...(scope === "system" ? [`User=${unitText(user)}`] : []),
    `WorkingDirectory=${unitPath(folder)}`,
    `Environment=${unitWord(`PATH=${path}`)}`,
    `EnvironmentFile=-${unitPath(environmentFile(order))}`,
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
