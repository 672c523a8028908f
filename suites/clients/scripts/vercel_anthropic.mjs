// Vercel AI SDK with @ai-sdk/anthropic, streamed.
import { createAnthropic } from "@ai-sdk/anthropic";
import { run } from "./vercel_task.mjs";

const { GATEWAY, KEY } = process.env;
await run(createAnthropic({ baseURL: `${GATEWAY}/anthropic/v1`, apiKey: KEY })("claude-sonnet-4-5"));
