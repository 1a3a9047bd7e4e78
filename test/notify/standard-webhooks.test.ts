import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { describe, it } from "node:test";
import { signature } from "../../src/adapters/notify/webhook.ts";
import type { NotifyTarget } from "../../src/core/plan/receiver.ts";
import { httpServer } from "../tasks/servers.ts";
import { AT, ROLLED_BACK, send } from "./support.ts";

const SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const TARGET: NotifyTarget = { kind: "webhook", name: "team", url: "${HOOK}", secret: "${HOOK_SECRET}" };

describe("a signed webhook", () => {
  it("is signed as the vector of the specification says", () => {
    const key = Buffer.from("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "base64");
    assert.deepEqual(signature(key, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, '{"test": 2432232314}'), {
      "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
      "webhook-timestamp": "1614265330",
      "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    });
  });

  it("has one id however often it is sent, and each try a time and a signature of its own", async () => {
    const got: { headers: Readonly<Record<string, unknown>>; body: string }[] = [];
    await using server = await httpServer((request, response, body) => {
      got.push({ headers: request.headers, body });
      response.writeHead(got.length < 3 ? 503 : 204, { "retry-after": "5" }).end();
    });
    const { clock, delivered } = send(ROLLED_BACK, TARGET, { HOOK: server.url, HOOK_SECRET: SECRET });
    for (let retry = 1; retry <= 2; retry += 1) {
      await clock.untilSleeping();
      await clock.advance(5_000);
    }
    await delivered;
    assert.equal(new Set(got.map(({ headers }) => headers["webhook-id"])).size, 1);
    assert.equal(new Set(got.map(({ headers }) => headers["webhook-timestamp"])).size, 3);
    for (const { headers, body } of got) {
      const signed = `${String(headers["webhook-id"])}.${String(headers["webhook-timestamp"])}.${body}`;
      const wanted = createHmac("sha256", Buffer.from(SECRET.slice(6), "base64"))
        .update(signed)
        .digest("base64");
      assert.equal(headers["webhook-signature"], `v1,${wanted}`);
    }
    const { type, timestamp, data } = JSON.parse(got[0]?.body ?? "") as Record<string, unknown>;
    assert.deepEqual([type, timestamp], ["release.rolled_back", new Date(AT).toISOString()]);
    assert.equal((data as { sentence: string }).sentence, ROLLED_BACK.sentence);
  });

  it("with a secret that is none is not sent at all", async () => {
    for (const HOOK_SECRET of ["plain-text-secret", "whsec_c2hvcnQ=", `whsec_${"A".repeat(100)}`]) {
      const fault = await send(ROLLED_BACK, TARGET, { HOOK: "http://127.0.0.1:9", HOOK_SECRET }).fault();
      assert.equal(fault.cause, "its secret is not whsec_ and 24 to 64 bytes in base64");
    }
  });
});
