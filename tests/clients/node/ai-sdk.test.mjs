// The Vercel AI SDK, through its provider for OpenAI-compatible servers.
import assert from "node:assert/strict";
import { test } from "node:test";
import { createOpenAICompatible } from "@ai-sdk/openai-compatible";
import { generateText, jsonSchema, Output, stepCountIs, streamText, tool } from "ai";
import { z } from "zod";
import * as world from "./world.mjs";

const provider = createOpenAICompatible({
  name: "gguf-fc",
  baseURL: world.url,
  includeUsage: true,
  supportsStructuredOutputs: true,
});
const common = { model: provider("demo"), temperature: 0, maxRetries: 0, maxOutputTokens: 200 };
const place = z.object({ city: z.string().max(40), size: z.enum(["small", "large"]), capital: z.boolean() });

function weather(asked) {
  return tool({
    description: world.description,
    inputSchema: jsonSchema(world.parameters),
    execute: async ({ city }) => {
      asked.push(city);
      return { temperature: 18, condition: "sunny" };
    },
  });
}

test("generateText calls the tool and tells its result", async () => {
  const asked = [];
  const { text } = await generateText({
    ...common,
    prompt: world.question,
    tools: { get_weather: weather(asked) },
    stopWhen: stepCountIs(3),
  });
  assert.deepEqual(asked, ["Paris"]);
  assert.match(text, /18/);
});

test("streamText does the same and counts tokens", async () => {
  const asked = [];
  const result = streamText({
    ...common,
    prompt: world.twoCities,
    tools: { get_weather: weather(asked) },
    stopWhen: stepCountIs(3),
    onError: ({ error }) => assert.fail(String(error)),
  });
  assert.match(await result.text, /18/);
  assert.deepEqual(asked, ["Paris", "Lyon"]);
  assert.ok((await result.totalUsage).outputTokens > 0);
});

test("a required call is made", async () => {
  const { toolCalls } = await generateText({
    ...common,
    prompt: "Hello!",
    tools: {
      get_weather: tool({ description: world.description, inputSchema: jsonSchema(world.parameters) }),
    },
    toolChoice: { type: "tool", toolName: "get_weather" },
  });
  assert.equal(toolCalls[0].toolName, "get_weather");
  assert.deepEqual(Object.keys(toolCalls[0].input), ["city"]);
});

test("a structured answer has its form, streamed or not", async () => {
  const options = { ...common, prompt: "Describe Paris.", output: Output.object({ schema: place }) };
  assert.ok(world.isPlace((await generateText(options)).output));
  assert.ok(world.isPlace(await streamText(options).output));
});

test("a prompt over the context is an API error with its status", async () => {
  await assert.rejects(generateText({ ...common, prompt: world.tooLong }), (error) => {
    assert.equal(error.statusCode, 400);
    assert.match(error.message, /maximum context length/);
    return true;
  });
});
