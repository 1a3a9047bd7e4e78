import assert from "node:assert/strict";
import { describe, it } from "node:test";
import * as fc from "fast-check";
import { redactor } from "../../src/core/text/redact.ts";

describe("redaction", () => {
  it("hides a secret wherever it stands, however it is written", () => {
    const { text } = redactor(['p"ss w/rd&1']);
    assert.equal(text('a p"ss w/rd&1 b p"ss w/rd&1'), "a ••• b •••");
    assert.equal(text(JSON.stringify({ password: 'p"ss w/rd&1' })), '{"password":"•••"}');
    assert.equal(text(`https://x/?p=${encodeURIComponent('p"ss w/rd&1')}`), "https://x/?p=•••");
  });

  it("leaves values of fewer than four characters alone", () => {
    assert.equal(redactor(["1", "yes", "abc"]).text("1 yes abc"), "1 yes abc");
    assert.equal(redactor(["abcd"]).text("abcd"), "•••");
  });

  it("hides the longer of two secrets that begin alike, whole", () => {
    assert.equal(redactor(["secret", "secret-and-more"]).text("secret-and-more secret"), "••• •••");
  });

  it("leaves an advice as it is that says how an address is written", () => {
    const { text } = redactor([]);
    for (const advice of ["write `postgres://USER@HOST/NAME`", "as in postgres://USER:PASSWORD@HOST:5432/DATABASE"])
      assert.equal(text(advice), advice);
    assert.equal(text("postgres://USER:PASSWORD@hush@host/name"), "postgres://•••@host/name");
    assert.equal(text("postgres://USERS@host/name"), "postgres://•••@host/name");
  });

  it("hides the lines of a secret of several lines, and one that was read with its line end", () => {
    const key = "-----BEGIN KEY-----\nMIIEvQIBADANBg\nshort\n-----END KEY-----\n";
    const { text } = redactor([key, "from-a-file\n"]);
    assert.equal(text("  MIIEvQIBADANBg"), "  •••");
    assert.equal(text("it is from-a-file."), "it is •••.");
    assert.equal(text("short"), "short");
  });

  it("hides user and password of a URL, known or not, also with an @ in them", () => {
    const { text } = redactor([]);
    assert.equal(text("postgres://me:p@ss@db:5432/shop?x=1"), "postgres://•••@db:5432/shop?x=1");
    assert.equal(
      text("see https://example.com/a@b and mail me@x.org"),
      "see https://example.com/a@b and mail me@x.org",
    );
    assert.equal(text("https://ghp_token@github.com/x"), "https://•••@github.com/x");
  });

  it("hides the credentials of an Authorization header", () => {
    const { text } = redactor([]);
    assert.equal(text("> Authorization: Basic dTpw"), "> Authorization: •••".replace("•••", "Basic •••"));
    assert.equal(text('{"authorization":"Bearer abc.def"}'), '{"authorization":"Bearer •••"}');
    assert.equal(text("authorization failed"), "authorization failed");
  });

  it("goes through JSON: texts, keys, numbers that are secrets", () => {
    const { json } = redactor(["hunter22", "491738"]);
    assert.deepEqual(json({ hunter22: ["a hunter22", 491738, 5, null, true], n: { m: "x" } }), {
      "•••": ["a •••", "•••", 5, null, true],
      n: { m: "x" },
    });
  });

  it("takes characters of patterns as they are", () => {
    for (const secret of ["a.*b", "(((((", "[a-z]", "$&$1", "\\d+\\", "a|bcd"]) {
      assert.equal(redactor([secret]).text(`<${secret}>`), "<•••>", secret);
    }
    assert.equal(redactor(["a.*b"]).text("axxb"), "axxb");
  });

  it("never leaves a secret in a text", () => {
    const secrets = fc.array(fc.string({ minLength: 4, maxLength: 12 }), { minLength: 1, maxLength: 5 });
    fc.assert(
      fc.property(secrets, fc.array(fc.string()), (known, words) => {
        const whole = known.filter((secret) => !secret.includes("•"));
        const text = words.map((word, index) => `${word}${whole[index % Math.max(1, whole.length)] ?? ""}`).join("");
        const clean = redactor(whole).text(text);
        for (const secret of whole) assert.ok(!clean.includes(secret));
      }),
    );
  });

  it("takes no notice of texts made to slow it down", () => {
    const { text } = redactor(["never-there"]);
    for (const evil of ["a".repeat(200_000), "://".repeat(70_000), "://a".repeat(50_000)])
      assert.equal(text(evil), evil);
    assert.equal(text("authorization:".repeat(15_000)), "authorization:•••");
  });
});
