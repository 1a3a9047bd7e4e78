import assert from "node:assert/strict";
import { after, before, describe, it, type TestContext } from "node:test";
import { fileURLToPath } from "node:url";
import { freePort } from "../../src/adapters/runtime/free-port.ts";
import type { Command } from "../e2e/support/command.ts";
import { crowd, type Crowd } from "../e2e/support/crowd.ts";
import { type PublishedPlace, publishedPlace } from "../e2e/support/published-place.ts";
import { type PostgresServer, postgresServer } from "../support/postgres.ts";
import { packageCache } from "./support/package-cache.ts";
import { ADMIN_TOKEN, CLIENT_TOKEN, UNLEASH_PAGES } from "./support/unleash-pages.ts";

const OLD = "7.5.1";
const NEW = "7.6.5";
/** Of the ten between the two: the type of a column that 7.5.1 reads; a bigint comes to programs of Node as text. */
const CONTRACT = "20260316113111-update-memory-usage-to-big-int";
const EXAMPLE = fileURLToPath(new URL("../../examples/unleash", import.meta.url));

/** An install may come over the network. */
const INSTALLED_WITHIN_MS = 200_000;

describe(`Unleash ${OLD} → ${NEW} from npm, with its own migrations by its own tool`, () => {
  const stack = new AsyncDisposableStack();
  let database: PostgresServer;
  let url: string;
  let unleash: PublishedPlace;

  before(async () => {
    database = stack.use(await postgresServer(["fsync=off"], { port: await freePort(new Set()) }));
    url = await database.database("unleash");
    unleash = stack.use(
      await publishedPlace(EXAMPLE, {
        npm_config_cache: packageCache(),
        DATABASE_URL: url,
        DATABASE_SSL: "false",
        UNLEASH_ADMIN_TOKEN: ADMIN_TOKEN,
        UNLEASH_CLIENT_TOKEN: CLIENT_TOKEN,
      }),
    );
    unleash.write("tidegate.production.yaml", `traffic: { embedded: ${unleash.port} }\n`);
  });
  after(() => stack.disposeAsync());

  /** How many of its migrations are applied, and whether the contract one is among them. */
  const migrated = async (): Promise<readonly [applied: number, contract: boolean]> => {
    // A session of its own: a restore cuts off whoever is connected.
    const client = await database.session(url);
    const { rows } = await client.query<{ name: string }>("SELECT name FROM migrations");
    await client.end();
    return [rows.length, rows.some(({ name }) => name.includes(CONTRACT))];
  };
  const visit = (): Crowd => crowd({ port: unleash.port, pages: UNLEASH_PAGES, browsers: 4, scripts: 8, pauseMs: 100 });

  it(`starts ${OLD} in an empty database, all its years of migrations in their order`, async (context) => {
    const { code, said } = await ended(unleash.start(["release", OLD]), context);
    assert.equal(code, 0, said);
    assert.deepEqual(await migrated(), [374, false]);
  });

  it(`goes back from ${NEW} under load when a person says so, and takes the schema back with it`, async (context) => {
    await using people = visit();
    const command = unleash.start(["release", NEW]);
    await command.tells(/50%/, INSTALLED_WITHIN_MS);
    assert.deepEqual(await migrated(), [383, false], "the contract one waits, later ones of 7.6.5 do not");
    const back = await unleash.tidegate(["rollback", "--yes", "--reason", "tried"]);
    assert.equal(back.code, 0, back.stdout + back.stderr);
    const { code, said } = await ended(command, context);
    assert.equal(code, 10, said);
    await people.more(200);
    const seen = await people.leave();
    assert.deepEqual(seen.failures, []);
    context.diagnostic(`${seen.requests} requests, 0 failed; ${JSON.stringify(seen.versions)}`);
    assert.deepEqual(await migrated(), [374, false], "nothing was written into what the nine had made");
    assert.deepEqual(await onlyVersion(), [OLD]);
  });

  it(`releases ${NEW} under load: backed up, drilled, expanded, shifted, retired, contracted`, async (context) => {
    await using people = visit();
    // A version that was put back is released again only by somebody who means it.
    const { code, said } = await ended(unleash.start(["release", NEW, "--yes"]), context);
    assert.equal(code, 0, said);
    await people.more(200);
    const seen = await people.leave();
    assert.deepEqual(seen.failures, []);
    assert.deepEqual(Object.keys(seen.versions), [OLD, NEW]);
    assert.deepEqual(await migrated(), [384, true]);
    context.diagnostic(`${seen.requests} requests, 0 failed, the slowest ${Math.round(seen.slowestMs)} ms`);
  });

  it("refuses to go back behind the contract step, says what remains, and goes on serving", async () => {
    const back = await unleash.tidegate(["rollback", "--yes"]);
    assert.equal(back.code, 3, back.stdout + back.stderr);
    assert.match(back.stdout + back.stderr, /tidegate restore/);
    assert.deepEqual(await onlyVersion(), [NEW]);
  });

  it(`comes back to ${OLD} by the backup that was made before, which a person confirms`, async (context) => {
    await unleash.down();
    const began = performance.now();
    const restored = await unleash.tidegate(["restore", "newest", "--yes"]);
    assert.equal(restored.code, 0, restored.stdout + restored.stderr);
    assert.deepEqual(await migrated(), [374, false]);
    const { code, said } = await ended(unleash.start(["release", OLD]), context);
    assert.equal(code, 0, said);
    context.diagnostic(`restored and started again after ${Math.round(performance.now() - began)} ms`);
    assert.deepEqual(await onlyVersion(), [OLD]);
  });

  it("stops with everything that it started", () => unleash.down());

  async function onlyVersion(): Promise<readonly string[]> {
    await using people = visit();
    await people.more(100);
    const seen = await people.leave();
    assert.deepEqual(seen.failures, []);
    return Object.keys(seen.versions);
  }
});

/** Follows a release to its end, and says how long the parts of it took. */
async function ended(command: Command, context: TestContext): Promise<{ readonly code: number | null; said: string }> {
  await command.tells(/(?:✔ closed|rolled back|ROLLED BACK):/, INSTALLED_WITHIN_MS);
  const { code, stdout, stderr } = await command.ended;
  for (const [line] of stdout.matchAll(/^\d\S+ {2}(?:.* done|✔ (?:backup|migrate|shift)).*$/gm))
    context.diagnostic(line);
  return { code, said: stdout + stderr };
}
