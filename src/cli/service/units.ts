import { isIP } from "node:net";
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
  /** Where the data plane listens; empty where it is none of Tidegate's. */
  readonly listen: readonly { readonly host: string; readonly port: number }[];
  /** PATH of whoever installs: node, npm and git may lie where systemd does not look. */
  readonly path: string;
}

/**
 * Keeper and engine as services, and the listening sockets, which systemd opens and hands to the keeper. Each service is
 * stopped alone (`KillMode=process`), because the instances that they started must go on serving. Sources:
 * systemd.service(5), systemd.socket(5), systemd.exec(5), systemd.kill(5).
 */
export function unitsOf(order: UnitsOrder): readonly Unit[] {
  const base = `tidegate-${order.app}-${order.environment}`;
  const keeper = `${base}-keeper.service`;
  const sockets = order.listen.filter(({ host }) => isIP(host) !== 0);
  return [
    { name: keeper, text: unit(order, "keeper", ["keeper", "--state", order.statePath, "--take-over"], []) },
    {
      name: `${base}-serve.service`,
      text: unit(order, "serve", serveWords(order), [`Wants=${keeper}`, `After=${keeper}`]),
    },
    // Of the keeper's own name: so they are opened before it starts, and handed to it. It does not require them: where
    // somebody else has a port, the keeper says who, and opens the others itself.
    ...(sockets.length === 0 ? [] : [{ name: socketUnit(order), text: socketText(order, sockets) }]),
  ];
}

function socketUnit({ app, environment }: Pick<UnitsOrder, "app" | "environment">): string {
  return `tidegate-${app}-${environment}-keeper.socket`;
}

function socketText({ app, environment }: UnitsOrder, sockets: UnitsOrder["listen"]): string {
  return [
    "# Written by tidegate service install.",
    "[Unit]",
    `Description=Tidegate's listening sockets of ${unitText(app)} (${unitText(environment)})`,
    "",
    "[Socket]",
    ...sockets.map(({ host, port }) => `ListenStream=${isIP(host) === 6 ? `[${host}]` : host}:${port}`),
    // An address that the machine does not have yet when it boots.
    "FreeBind=yes",
    // However often the keeper has to be started, the sockets stay open.
    "TriggerLimitIntervalSec=0",
    "",
    "[Install]",
    "WantedBy=sockets.target",
    "",
  ].join("\n");
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
    // Both are never given up.
    "StartLimitIntervalSec=0",
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
