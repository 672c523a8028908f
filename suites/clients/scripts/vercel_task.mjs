// What the two clients of the Vercel AI SDK share.
import { writeFileSync } from "node:fs";
import { isStepCount, streamText, tool } from "ai";
import { z } from "zod";

const note = tool({
  description: "Write a note of an address and a number.",
  inputSchema: z.object({ address: z.string(), number: z.string() }),
  execute: async ({ address, number }) => {
    writeFileSync("note.txt", `${address} ${number}\n`);
    return `noted ${address} and ${number}`;
  },
});

export async function run(model) {
  const { textStream } = streamText({
    model, prompt: process.env.TASK, tools: { note }, stopWhen: isStepCount(4),
    onError: ({ error }) => { throw error; },
  });
  for await (const piece of textStream) process.stdout.write(piece);
}
