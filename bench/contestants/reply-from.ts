import replyFrom from "@fastify/reply-from";
import fastify from "fastify";
import { announce, BACKEND } from "./announce.ts";

const app = fastify({ logger: false });
// Bodies go through as they come.
app.removeAllContentTypeParsers();
app.addContentTypeParser("*", (_request, payload, done) => done(null, payload));
await app.register(replyFrom, { base: BACKEND });
app.all("/*", (request, reply) => reply.from(request.url));
await app.ready();

announce(app.server);
