import assert from "node:assert/strict";
import { mkdirSync, readlinkSync, writeFileSync } from "node:fs";
import { describe, it } from "node:test";
import {
  linkWhatIsMissing,
  profilesIn,
  readComposeFiles,
} from "../../../src/adapters/runtime/compose/compose-files.ts";
import { composeCommand, versionIn } from "../../../src/adapters/runtime/compose/compose-tool.ts";
import { placeOfError } from "../../../src/adapters/runtime/compose/user-project.ts";
import type { ComposeProject } from "../../../src/core/plan/compose.ts";
import { isFault } from "../../contract/runtime.ts";
import { type TemporaryFolder, temporaryFolder } from "../../support/temporary-folder.ts";

const PROJECT: ComposeProject = { files: [], profiles: [], set: {} };

const FILE = `services:
  web:
    image: shop
    env_file: [.env.web, { path: other.env }]
    profiles: [app]
    ports:
      - "8080:80"
  db:
    image: postgres
secrets:
  pw: { file: secrets/pw.txt }
`;

function laid(folder: TemporaryFolder, files: Readonly<Record<string, string>>): void {
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(folder.file(name, ".."), { recursive: true });
    writeFileSync(folder.file(name), text);
  }
}

describe("which compose files are read", () => {
  it("those that compose finds by itself, with their override, from the version's folder", async () => {
    await using folder = temporaryFolder();
    laid(folder, { "user/compose.yml": FILE, "version/compose.yml": FILE, "user/compose.override.yaml": FILE });
    const found = readComposeFiles(PROJECT, folder.file("user"), folder.file("version"), {});
    assert.deepEqual(found.files, [
      folder.file("version", "compose.yml"),
      folder.file("user", "compose.override.yaml"),
    ]);
    assert.deepEqual([found.directory, found.usersDirectory], [folder.file("version"), folder.file("user")]);
  });

  it("those that the plan names, or COMPOSE_FILE; the folder of the first is what paths are meant from", async () => {
    await using folder = temporaryFolder();
    laid(folder, { "deploy/a.yaml": FILE, "b.yaml": "services: {}", ".env": "COMPOSE_PROJECT_NAME='Shop One'\n" });
    const named = readComposeFiles({ ...PROJECT, files: ["deploy/a.yaml", "b.yaml"] }, folder.path, folder.path, {});
    assert.deepEqual(named.files, [folder.file("deploy/a.yaml"), folder.file("b.yaml")]);
    assert.equal(named.directory, folder.file("deploy"));
    assert.equal(named.project, "deploy");
    const given = readComposeFiles(PROJECT, folder.path, folder.path, { COMPOSE_FILE: "b.yaml" });
    assert.deepEqual(given.files, [folder.file("b.yaml")]);
    assert.equal(given.project, "shopone");
  });

  it("none is a fault with the way to name it", async () => {
    await using folder = temporaryFolder();
    assert.throws(() => readComposeFiles(PROJECT, folder.path, folder.path, {}), isFault("compose-file-missing"));
  });

  it("what is not YAML is told with its line", async () => {
    await using folder = temporaryFolder();
    laid(folder, { "compose.yaml": "services:\n  web: [\n" });
    assert.throws(
      () => readComposeFiles(PROJECT, folder.path, folder.path, {}),
      (error: unknown) =>
        isFault("compose-file-invalid")(error) &&
        /compose\.yaml:\d/.test((error as { fault: { where: string } }).fault.where),
    );
  });

  it("files that git doesn't have are linked into the version's folder", async () => {
    await using folder = temporaryFolder();
    laid(folder, {
      "user/compose.yaml": FILE,
      "version/compose.yaml": FILE,
      "user/.env.web": "A=1",
      "user/secrets/pw.txt": "x",
      "version/other.env": "",
    });
    linkWhatIsMissing(readComposeFiles(PROJECT, folder.file("user"), folder.file("version"), {}));
    assert.equal(readlinkSync(folder.file("version/.env.web")), folder.file("user/.env.web"));
    assert.equal(readlinkSync(folder.file("version/secrets/pw.txt")), folder.file("user/secrets/pw.txt"));
  });
});

describe("places in compose files", () => {
  it("of keys, and of what compose complains about", async () => {
    await using folder = temporaryFolder();
    laid(folder, { "compose.yaml": FILE });
    const { documents } = readComposeFiles(PROJECT, folder.path, folder.path, {});
    assert.equal(documents[0]?.placeOf(["services", "web", "ports", 0]), "compose.yaml:7");
    assert.equal(documents[0]?.placeOf(["services", "web", "nothing"]), "compose.yaml:2");
    assert.deepEqual(profilesIn(documents), ["app"]);
    const told: readonly (readonly [string, string])[] = [
      ["services.web.ports contains an invalid type, it should be an array", "compose.yaml:6"],
      ["Unsupported config option for services.db: 'image'", "compose.yaml:9"],
      [`Missing mandatory value for "image" option interpolating x in service "web": must be set`, "compose.yaml:3"],
      ["validating /x/compose.yaml: services.db additional properties 'portz' not allowed", "compose.yaml:8"],
      [`service "db" refers to undefined network back: invalid compose project`, "compose.yaml:8"],
      [
        "The Compose file is invalid because:\nService db has neither an image nor a build context specified.",
        "compose.yaml:8",
      ],
      ["something else", "compose.yaml"],
    ];
    for (const [said, place] of told) assert.equal(placeOfError(documents, said), place, said);
  });
});

describe("compose is asked by argument lists", () => {
  const scope = {
    project: "shop",
    files: ["/v/a.yaml", "-"],
    directory: "/v w",
    envFile: "/u/.env",
    profiles: ["app"],
  };
  const rest = [
    "--project-name",
    "shop",
    "--project-directory",
    "/v w",
    "--file",
    "/v/a.yaml",
    "--file",
    "-",
    "--env-file",
    "/u/.env",
    "--profile",
    "app",
    "up",
    "--detach",
  ];

  it("the plugin and the older program alike", () => {
    assert.deepEqual(
      composeCommand({ command: ["docker", "compose"], version: "2.29.1", generation: 2 }, scope, "up", "--detach"),
      ["docker", "compose", ...rest],
    );
    assert.deepEqual(
      composeCommand({ command: ["docker-compose"], version: "1.29.2", generation: 1 }, scope, "up", "--detach"),
      ["docker-compose", ...rest],
    );
  });

  it("and told apart by what they call their version", () => {
    assert.equal(versionIn("v2.29.1\n"), "2.29.1");
    assert.equal(versionIn("1.29.2\n"), "1.29.2");
    assert.equal(versionIn("docker: 'compose' is not a docker command."), null);
  });
});
