/** What the compose file's health check runs: images of today have no curl. */
const answer = await fetch("http://127.0.0.1:3000/health/ready").catch((error: unknown) => String(error));
const isGood = typeof answer !== "string" && answer.ok;
if (!isGood) process.stdout.write(typeof answer === "string" ? answer : `answered ${answer.status}`);
process.exit(isGood ? 0 : 1);
