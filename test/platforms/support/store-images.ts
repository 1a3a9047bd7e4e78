import { execFileSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import type { DockerEngine } from "./docker-engine.ts";

const POSTGRES = "/usr/lib/postgresql";

/** Redis out of this machine's own files, as its official image behaves. */
export function buildRedisImage(engine: DockerEngine, name: string): void {
  build(engine, name, ["/usr/bin/redis-server", "/usr/bin/redis-cli"], [], ["WORKDIR /data", `CMD ["redis-server"]`]);
}

/** PostgreSQL out of this machine's own files: as much of its official image's behaviour as the example uses. */
export function buildPostgresImage(engine: DockerEngine, name: string): void {
  const [version = "15"] = readdirSync(POSTGRES).sort((a, b) => Number(b) - Number(a));
  const root = `${POSTGRES}/${version}`;
  const programs = ["postgres", "initdb", "pg_isready", "psql"].map((each) => `${root}/bin/${each}`);
  const modules = [`${root}/lib/dict_snowball.so`, `${root}/lib/plpgsql.so`].filter((each) => existsSync(each));
  // pg_dump and pg_restore ask for that zone by its name.
  const folders = [`/usr/share/postgresql/${version}`, "/usr/share/zoneinfo/UTC"];
  const start = [
    "#!/bin/sh",
    "set -e",
    "export PGDATA=/var/lib/postgresql/data/pgdata",
    `if [ ! -s "$PGDATA/PG_VERSION" ]; then`,
    `  initdb --no-sync --auth=trust --username="$POSTGRES_USER" --locale=C --encoding=UTF8 -D "$PGDATA"`,
    `  echo "host all all all trust" >> "$PGDATA/pg_hba.conf"`,
    `  echo "create database \\"$POSTGRES_DB\\"" | postgres --single -D "$PGDATA" postgres`,
    "fi",
    `exec postgres -D "$PGDATA" -c listen_addresses='*' -c unix_socket_directories=/tmp -c timezone=GMT -c log_timezone=GMT -c fsync=off`,
    "",
  ].join("\n");
  build(
    engine,
    name,
    [...programs, ...modules],
    folders,
    [
      "COPY passwd /etc/passwd",
      "COPY --chown=70:70 empty /var/lib/postgresql/data",
      "COPY --chown=70:70 empty /tmp",
      "COPY start /usr/local/bin/start",
      `ENV PATH=${root}/bin:/usr/bin:/bin PGHOST=/tmp LANG=C`,
      "USER 70",
      "STOPSIGNAL SIGINT",
      `CMD ["sh", "/usr/local/bin/start"]`,
    ],
    { start, passwd: "postgres:x:70:70::/tmp:/bin/sh\n" },
  );
}

function build(
  engine: DockerEngine,
  name: string,
  programs: readonly string[],
  folders: readonly string[],
  lines: readonly string[],
  files: Readonly<Record<string, string>> = {},
): void {
  const context = mkdtempSync(join(tmpdir(), "tgd-store-"));
  try {
    const put = (path: string): void => {
      const target = join(context, "root", path);
      mkdirSync(dirname(target), { recursive: true });
      cpSync(realpathSync(path), target, { recursive: true, dereference: true });
    };
    for (const path of new Set([...programs, ...folders, ...programs.flatMap(librariesOf)])) put(path);
    mkdirSync(join(context, "root/bin"), { recursive: true });
    cpSync("/bin/busybox", join(context, "root/bin/busybox"));
    for (const applet of ["sh", "echo", "cat"]) cpSync("/bin/busybox", join(context, "root/bin", applet));
    mkdirSync(join(context, "empty"));
    for (const [file, text] of Object.entries(files)) writeFileSync(join(context, file), text);
    writeFileSync(
      join(context, "Dockerfile"),
      ["FROM scratch", "COPY root /", "ENV PATH=/usr/bin:/bin", ...lines, ""].join("\n"),
    );
    engine.run("build", "-q", "-t", name, context);
  } finally {
    rmSync(context, { recursive: true, force: true });
  }
}

function librariesOf(file: string): readonly string[] {
  const lines = execFileSync("ldd", [file], { encoding: "utf8" }).split("\n");
  return lines.flatMap((line) => /(?:=>\s*)?(\/\S+)\s+\(0x/.exec(line)?.[1] ?? []);
}
