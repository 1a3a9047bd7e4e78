import assert from "node:assert/strict";
import { once } from "node:events";
import { type AddressInfo, createServer, type Server, type Socket } from "node:net";
import { after, describe, it } from "node:test";
import { SMTPServer, type SMTPServerOptions } from "smtp-server";
import { smtpServer } from "../../src/adapters/notify/smtp-server.ts";
import type { NotifyTarget } from "../../src/core/plan/receiver.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";
import { makeAuthority } from "../tasks/certificates.ts";
import { closedPort } from "../tasks/servers.ts";
import { acting, NEEDED, ROLLED_BACK, send } from "./support.ts";

const folder = temporaryFolder();
after(() => folder[Symbol.asyncDispose]());

const TEAM: NotifyTarget = {
  kind: "email",
  name: "team",
  to: ["ann@example.com", "bob@example.com"],
  from: "Tidegate <tidegate@example.com>",
  smtp: "${SMTP_URL}",
};

interface MailSink extends AsyncDisposable {
  readonly port: number;
  readonly mails: { readonly from: string; readonly to: readonly string[]; readonly text: string }[];
  readonly logins: string[];
}

/** As AUTH PLAIN sends it. */
function inBase64(user: string | null, password: string | null): string {
  return Buffer.from(`\0${user}\0${password}`).toString("base64");
}

/** A real mail server, which keeps what it gets. */
async function mailSink(options: SMTPServerOptions = {}): Promise<MailSink> {
  const mails: { from: string; to: readonly string[]; text: string }[] = [];
  const logins: string[] = [];
  const server = new SMTPServer({
    authOptional: true,
    logger: false,
    closeTimeout: 100,
    onAuth: ({ username = "", password = "" }, _session, done) => {
      logins.push(`${username}:${password}`);
      if (password === "right-password") done(null, { user: username });
      else done(new Error(`Invalid username or password: ${inBase64(username, password)}`));
    },
    onData: (stream, { envelope }, done) => {
      let raw = "";
      stream.setEncoding("utf8").on("data", (chunk: string) => (raw += chunk));
      stream.once("end", () => {
        const from = envelope.mailFrom === false ? "" : envelope.mailFrom.address;
        mails.push({ from, to: envelope.rcptTo.map(({ address }) => address), text: raw });
        done(null);
      });
    },
    ...options,
  });
  server.on("error", () => undefined);
  server.listen(0, "127.0.0.1");
  await once(server.server, "listening");
  return {
    port: (server.server.address() as AddressInfo).port,
    mails,
    logins,
    [Symbol.asyncDispose]: () => new Promise((resolve) => server.close(() => resolve())),
  };
}

/** A mail server that goes by a script: after so many lines of the client's it does something else. */
async function oddServer(answer: (line: string, socket: Socket) => void): Promise<AsyncDisposable & { port: number }> {
  const sockets = new Set<Socket>();
  const server: Server = createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => undefined).on("close", () => sockets.delete(socket));
    socket.write("220 odd ESMTP\r\n");
    socket.setEncoding("utf8").on("data", (chunk: string) => answer(chunk, socket));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    port: (server.address() as AddressInfo).port,
    [Symbol.asyncDispose]: async () => {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, "close");
    },
  };
}

const header = (mail: string, name: string): string | undefined =>
  new RegExp(`^${name}: (.*)$`, "mi").exec(mail.replaceAll("\r\n", "\n").replaceAll(/\n[ \t]/g, " "))?.[1];

describe("a mail", () => {
  it("says what happened in its subject and the rest in plain text, to all at once", async () => {
    await using sink = await mailSink();
    await send(ROLLED_BACK, TEAM, { SMTP_URL: `smtp://127.0.0.1:${sink.port}` }).delivered;
    const [mail = assert.fail()] = sink.mails;
    assert.deepEqual([mail.from, mail.to], ["tidegate@example.com", ["ann@example.com", "bob@example.com"]]);
    assert.equal(header(mail.text, "Subject"), "[shop production] release 42 rolled back");
    const body = Buffer.from(mail.text.split("\r\n\r\n")[1] ?? "", "utf8").toString();
    assert.match(body, /Rolled back at 5%: errors 5\.9%/);
    assert.match(mail.text, /tidegate status 42/);
  });

  it("hangs with all of its release on one thread, and is the same mail when it is sent again", async () => {
    await using sink = await mailSink();
    const SMTP_URL = `smtp://127.0.0.1:${sink.port}`;
    await send(ROLLED_BACK, TEAM, { SMTP_URL }).delivered;
    await send(ROLLED_BACK, TEAM, { SMTP_URL }).delivered;
    await send(NEEDED, TEAM, { SMTP_URL }).delivered;
    const ids = sink.mails.map((mail) => header(mail.text, "Message-ID"));
    assert.equal(ids[0], ids[1]);
    assert.notEqual(ids[0], ids[2]);
    assert.equal(new Set(sink.mails.map((mail) => header(mail.text, "References"))).size, 1);
  });

  it("cannot be given other recipients or headers by what a message quotes", async () => {
    await using sink = await mailSink();
    const sentence = "x\r\nBcc: eve@example.com\r\n\r\n.\r\nRCPT TO:<eve@example.com>";
    await send({ ...ROLLED_BACK, sentence }, TEAM, { SMTP_URL: `smtp://127.0.0.1:${sink.port}` }).delivered;
    assert.deepEqual(
      sink.mails.map(({ to }) => to),
      [["ann@example.com", "bob@example.com"]],
    );
    assert.equal(header(sink.mails[0]?.text.split("\r\n\r\n")[0] ?? "", "Bcc"), undefined);
  });

  it("takes no password over a network without TLS", () => {
    const read = (address: string): boolean => smtpServer(address, { receiver: "x", fix: "" }).needsTls;
    assert.deepEqual(
      ["smtp://me:secret@mail.example.com", "smtp://mail.example.com", "smtp://me:secret@127.0.0.1:25"].map(read),
      [true, false, false],
    );
  });

  it("logs in, by TLS that the server begins or that is there from the first byte on", async () => {
    const authority = makeAuthority(folder, 30);
    await using sink = await mailSink({ ...authority.sign("localhost", 10) });
    const login = "me%40example.com:right-password";
    const more = { authority: authority.certificate };
    await send(ROLLED_BACK, TEAM, { SMTP_URL: `smtp://${login}@localhost:${sink.port}` }, more).delivered;
    assert.deepEqual(sink.logins, ["me@example.com:right-password"]);
    await using secure = await mailSink({ secure: true, ...authority.sign("localhost", 10) });
    await send(ROLLED_BACK, TEAM, { SMTP_URL: `smtps://${login}@localhost:${secure.port}` }, more).delivered;
    assert.equal(secure.mails.length, 1);
    const unknown = await send(ROLLED_BACK, TEAM, { SMTP_URL: `smtps://${login}@localhost:${secure.port}` }).fault();
    assert.match(unknown.cause ?? "", /certificate/i);
    assert.equal(unknown.code, "notification-not-delivered");
  });
});

describe("a mail server", () => {
  const deliver = (SMTP_URL: string, timeoutMs = 5_000) => send(ROLLED_BACK, TEAM, { SMTP_URL }, { timeoutMs });

  it("that refuses one recipient: the others get theirs, and who did not is told", async () => {
    await using sink = await mailSink({
      onRcptTo: ({ address }, _session, done) => {
        if (address.startsWith("bob")) done(Object.assign(new Error("no such user"), { responseCode: 550 }));
        else done();
      },
    });
    assert.deepEqual(await deliver(`smtp://127.0.0.1:${sink.port}`).delivered, {
      refused: ["bob@example.com: 550 no such user"],
    });
    assert.deepEqual(sink.mails[0]?.to, ["ann@example.com"]);
  });

  it("that refuses all of them has not taken it", async () => {
    await using sink = await mailSink({
      onRcptTo: (_, _session, done) => done(Object.assign(new Error("we don't relay"), { responseCode: 554 })),
    });
    const fault = await deliver(`smtp://127.0.0.1:${sink.port}`).fault();
    assert.equal(fault.code, "notification-not-delivered");
    assert.match(fault.cause ?? "", /554 we don't relay/);
    assert.equal(fault.where, `127.0.0.1:${sink.port}`);
  });

  it("that does not know the password says so, and the password is not repeated", async () => {
    const authority = makeAuthority(folder, 31);
    await using sink = await mailSink({ ...authority.sign("localhost", 11) });
    const SMTP_URL = `smtp://me:wrong-password@localhost:${sink.port}`;
    const fault = await send(ROLLED_BACK, TEAM, { SMTP_URL }, { authority: authority.certificate }).fault();
    assert.match(fault.cause ?? "", /Invalid login: 535/);
    assert.match(fault.cause ?? "", /password: •••$/);
    const told = JSON.stringify(fault);
    assert.ok(!told.includes("wrong-password") && !told.includes(inBase64("me", "wrong-password")));
  });

  it("that is not there, or never says a word, has surely not got it", async () => {
    const gone = await deliver(`smtp://127.0.0.1:${await closedPort()}`).fault();
    assert.deepEqual([gone.code, /ECONNREFUSED/.test(gone.cause ?? "")], ["notification-not-delivered", true]);
    await using silent = await oddServer(() => undefined);
    const fault = await deliver(`smtp://127.0.0.1:${silent.port}`, 300).fault();
    assert.equal(fault.code, "notification-not-delivered");
  });

  it("that ends with the whole mail in its hands may have taken it", async () => {
    await using odd = await oddServer((said, socket) => {
      if (/^DATA/m.test(said)) socket.write("354 go on\r\n");
      else if (said.endsWith("\r\n.\r\n")) socket.destroy();
      else if (!said.includes("Subject:")) socket.write("250 fine\r\n");
    });
    const fault = await deliver(`smtp://127.0.0.1:${odd.port}`).fault();
    assert.equal(fault.code, "notification-uncertain");
    assert.match(fault.what, /^The mail server of "team" may not have taken the message/);
  });

  it("that refuses what it has read has surely not taken it", async () => {
    await using sink = await mailSink({
      onData: (stream, _session, done) => {
        stream.resume().once("end", () => done(Object.assign(new Error("looks like spam"), { responseCode: 552 })));
      },
    });
    const fault = await deliver(`smtp://127.0.0.1:${sink.port}`).fault();
    assert.deepEqual([fault.code, /552 looks like spam/.test(fault.cause ?? "")], ["notification-not-delivered", true]);
  });

  it("is let go of at once when Tidegate stops", async () => {
    await using silent = await oddServer(() => undefined);
    const stop = new AbortController();
    const sent = send(acting("open"), TEAM, { SMTP_URL: `smtp://127.0.0.1:${silent.port}` }, { signal: stop.signal });
    stop.abort();
    assert.match((await sent.fault()).cause ?? "", /^stopped before the server took it$/);
  });

  it("whose address is none is said by what an address looks like", async () => {
    const fault = await deliver("imap://some-server").fault();
    assert.match(fault.cause ?? "", /^its address is not smtp:\/\//);
  });
});
