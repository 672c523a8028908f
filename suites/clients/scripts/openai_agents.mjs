// OpenAI Agents for Node with its defaults: the Responses API, streamed.
import { writeFileSync } from "node:fs";
import { Agent, run, setDefaultOpenAIClient, setTracingDisabled, tool } from "@openai/agents";
import OpenAI from "openai";
import { z } from "zod";

const { GATEWAY, KEY, TASK } = process.env;
setTracingDisabled(true);
setDefaultOpenAIClient(new OpenAI({ baseURL: `${GATEWAY}/openai/v1`, apiKey: KEY }));
const note = tool({
  name: "note",
  description: "Write a note of an address and a number.",
  parameters: z.object({ address: z.string(), number: z.string() }),
  execute: async ({ address, number }) => {
    writeFileSync("note.txt", `${address} ${number}\n`);
    return `noted ${address} and ${number}`;
  },
});
const told = await run(new Agent({ name: "clerk", tools: [note] }), TASK, { stream: true });
for await (const _ of told) { /* all of it */ }
console.log(told.finalOutput);
