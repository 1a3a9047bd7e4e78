import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { NotifyTarget } from "../../src/core/plan/receiver.ts";
import { closedPort, type Handler, httpServer, rawServer } from "../tasks/servers.ts";
import { CONTEXT, ROLLED_BACK, send } from "./support.ts";

const HOOK: NotifyTarget = { kind: "slack", name: "team", to: { kind: "webhook", url: "${SLACK_URL}" } };

function bot(api: string): NotifyTarget {
  return { kind: "slack", name: "team", to: { kind: "channel", token: "${SLACK_TOKEN}", channel: "#releases", api } };
}

interface Asked {
  readonly path: string;
  readonly token: string | undefined;
  readonly body: {
    readonly text: string;
    readonly channel?: string;
    readonly thread_ts?: string;
    readonly reply_broadcast?: boolean;
    readonly blocks: readonly { readonly type: string; readonly text?: { readonly text: string } }[];
  };
}

/** Answers like Slack, with each of the bodies in turn, the last one for ever. */
function slack(...answers: readonly string[]): { readonly handle: Handler; readonly asked: Asked[] } {
  const asked: Asked[] = [];
  return {
    asked,
    handle: (request, response, body) => {
      asked.push({
        path: request.url ?? "",
        token: request.headers.authorization,
        body: JSON.parse(body) as Asked["body"],
      });
      response.writeHead(200).end(answers[Math.min(asked.length, answers.length) - 1]);
    },
  };
}

describe("an incoming webhook of Slack", () => {
  it("gets what happened, the sentence with its figures, and what the reader can do", async () => {
    const { handle, asked } = slack("ok");
    await using server = await httpServer(handle);
    assert.deepEqual(await send(ROLLED_BACK, HOOK, { SLACK_URL: `${server.url}/services/T0/B0/XYZ` }).delivered, {});
    const [{ body } = assert.fail()] = asked;
    assert.deepEqual(body.blocks, [
      {
        type: "section",
        text: {
          type: "mrkdwn",
          text: "✖ *rolled back* · shop a1f09c → 9f2c1e production\nRolled back at 5%: errors 5.9% (4/68) against 0.08% (1/1 302), limit 1.5x.",
        },
      },
      {
        type: "context",
        elements: [
          { type: "mrkdwn", text: "shop · production · release 42" },
          { type: "mrkdwn", text: "next: `tidegate status 42`" },
        ],
      },
    ]);
    assert.match(body.text, /^✖ rolled back · shop a1f09c → 9f2c1e production: Rolled back at 5%/);
  });

  it("is not made to call everybody by what a message quotes", async () => {
    const { handle, asked } = slack("ok");
    await using server = await httpServer(handle);
    const message = { ...ROLLED_BACK, sentence: "<!channel> said <https://evil.example|look> & more" };
    await send(message, HOOK, { SLACK_URL: server.url }).delivered;
    assert.match(asked[0]?.body.blocks[0]?.text?.text ?? "", /&lt;!channel&gt; said &lt;https:\/\/evil/);
  });

  it("is asked again while Slack is at fault, and left alone for as long as it wants", async () => {
    let count = 0;
    await using server = await httpServer((_, response) => {
      count += 1;
      if (count === 1) response.writeHead(429, { "retry-after": "9" }).end("rate_limited");
      else response.writeHead(200).end("ok");
    });
    const { clock, delivered } = send(ROLLED_BACK, HOOK, { SLACK_URL: server.url });
    await clock.untilSleeping();
    assert.deepEqual(clock.due(), [9_000]);
    await clock.advance(9_000);
    await delivered;
    assert.equal(count, 2);
  });

  it("that no longer exists is said once, without its address", async () => {
    await using server = await httpServer((request, response) =>
      response.writeHead(404).end(`no_service for ${request.url}, ${request.url?.split(/[/?=]/).join(" ")}`),
    );
    const SLACK_URL = `${server.url}/services/T0/B0/XYZxyz123456?sig=s3cr3t-sig`;
    const fault = await send(ROLLED_BACK, HOOK, { SLACK_URL }).fault();
    assert.doesNotMatch(JSON.stringify(fault), /XYZ|s3cr3t/);
    assert.equal(fault.code, "notification-not-delivered");
    assert.match(fault.what, /^Slack \("team"\) did not take the message "shop a1f09c → 9f2c1e production"\.$/);
    assert.match(fault.cause ?? "", /^it answers 404: no_service for/);
    assert.equal(server.asked.length, 1);
  });

  it("that hangs with the message in its hands is not told a second time: nobody can tell the two apart", async () => {
    await using server = await rawServer(() => undefined);
    const fault = await send(ROLLED_BACK, HOOK, { SLACK_URL: server.url }, { timeoutMs: 200 }).fault();
    assert.equal(fault.code, "notification-uncertain");
    assert.match(fault.what, /^Slack \("team"\) may not have taken the message/);
    assert.equal(server.asked.length, 1);
  });

  it("that can't be reached has surely not got it", async () => {
    const SLACK_URL = `http://127.0.0.1:${await closedPort()}/services/T0`;
    const fault = await send(ROLLED_BACK, HOOK, { SLACK_URL }, { tries: 1 }).fault();
    assert.equal(fault.code, "notification-not-delivered");
    assert.match(fault.cause ?? "", /^nothing listens at/);
  });

  it("without its address in the environment is said by its name", async () => {
    const fault = await send(ROLLED_BACK, HOOK, {}).fault();
    assert.equal(fault.cause, "${SLACK_URL} is neither among the secrets nor in the environment");
  });
});

describe("a bot of Slack", () => {
  const SLACK_TOKEN = "xoxb-17-very-secret";

  it("puts what comes later into the thread of the first, and what all must see into the channel too", async () => {
    const { handle, asked } = slack('{"ok":true,"channel":"C1","ts":"1700000000.0001"}');
    await using server = await httpServer(handle);
    const started = { ...ROLLED_BACK, topic: "started", sentence: "Release 42 started by ann." } as const;
    const first = await send(started, bot(server.url), { SLACK_TOKEN }).delivered;
    assert.deepEqual(first, { thread: "1700000000.0001" });
    const context = { ...CONTEXT, ...first };
    await send(ROLLED_BACK, bot(server.url), { SLACK_TOKEN }, { context }).delivered;
    await send({ ...ROLLED_BACK, topic: "phase" }, bot(server.url), { SLACK_TOKEN }, { context }).delivered;
    assert.deepEqual(
      asked.map(({ path, token, body }) => [path, token, body.channel, body.thread_ts, body.reply_broadcast]),
      [
        ["/chat.postMessage", `Bearer ${SLACK_TOKEN}`, "#releases", undefined, undefined],
        ["/chat.postMessage", `Bearer ${SLACK_TOKEN}`, "#releases", "1700000000.0001", true],
        ["/chat.postMessage", `Bearer ${SLACK_TOKEN}`, "#releases", "1700000000.0001", false],
      ],
    );
  });

  it("that was not invited is said, though Slack answers 200", async () => {
    const { handle, asked } = slack('{"ok":false,"error":"not_in_channel"}');
    await using server = await httpServer(handle);
    const fault = await send(ROLLED_BACK, bot(server.url), { SLACK_TOKEN }).fault();
    assert.equal(fault.cause, "it answers not_in_channel");
    assert.match(fault.fix ?? "", /invited to the channel/);
    assert.equal(asked.length, 1);
  });

  it("is tried again where Slack says that it is its own fault", async () => {
    const { handle, asked } = slack('{"ok":false,"error":"ratelimited"}', '{"ok":true,"ts":"1.2"}');
    await using server = await httpServer(handle);
    const { clock, delivered } = send(ROLLED_BACK, bot(server.url), { SLACK_TOKEN });
    await clock.untilSleeping();
    await clock.advance(1_000);
    assert.deepEqual(await delivered, { thread: "1.2" });
    assert.equal(asked.length, 2);
  });

  it("never carries its token to another host", async () => {
    const { handle, asked } = slack('{"ok":true}');
    await using other = await httpServer(handle);
    await using server = await httpServer((_, response) => response.writeHead(307, { location: other.url }).end());
    const fault = await send(ROLLED_BACK, bot(server.url), { SLACK_TOKEN }).fault();
    assert.match(fault.cause ?? "", /redirects to another host, which must not get its key/);
    assert.deepEqual(asked, []);
  });
});
