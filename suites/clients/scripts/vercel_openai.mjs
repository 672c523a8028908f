// Vercel AI SDK with the default of @ai-sdk/openai: the Responses API, streamed.
import { createOpenAI } from "@ai-sdk/openai";
import { run } from "./vercel_task.mjs";

const { GATEWAY, KEY } = process.env;
await run(createOpenAI({ baseURL: `${GATEWAY}/openai/v1`, apiKey: KEY })("gpt-5"));
