// Emmett's event store on PostgreSQL under the load of `rows/append.py`: writers are promises, each with its own streams.
// Answers lines of JSON as `program.py` asks them. Times are seconds.
import { getPostgreSQLEventStore } from "@event-driven-io/emmett-postgresql";
import { createInterface } from "node:readline";

const store = getPostgreSQLEventStore(process.argv[2]);
await store.schema.migrate();
const versions = new Map();
const note = "x".repeat(180);
const event = { type: "Added", data: { amount: 1, note, at: "2026-11-02T12:00:00Z" }, metadata: { correlation: "bench", causation: "bench" } };

async function write(writer, streams, batch, until) {
  let events = 0;
  while (performance.now() < until) {
    const name = `counter-${writer}-${Math.floor(Math.random() * streams)}`;
    const expectedStreamVersion = versions.get(name) ?? 0n;
    const options = expectedStreamVersion ? { expectedStreamVersion } : {};
    const done = await store.appendToStream(name, Array(batch).fill(event), options);
    versions.set(name, done.nextExpectedStreamVersion);
    events += batch;
  }
  return events;
}

console.log(JSON.stringify({ hello: true }));
for await (const line of createInterface({ input: process.stdin })) {
  const { writers, batch, seconds } = JSON.parse(line);
  const began = performance.now();
  const until = began + seconds * 1000;
  const writing = Array.from({ length: writers }, (_, writer) => write(`${writers}-${batch}-${writer}`, 2000 / writers, batch, until));
  const events = (await Promise.all(writing)).reduce((sum, one) => sum + one, 0);
  console.log(JSON.stringify({ events, seconds: (performance.now() - began) / 1000 }));
}
await store.close();
