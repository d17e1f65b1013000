// The official Node client of the Messages protocol.
import assert from "node:assert/strict";
import { test } from "node:test";
import Anthropic from "@anthropic-ai/sdk";
import * as world from "./world.mjs";

const client = new Anthropic({ baseURL: world.root, apiKey: "none", maxRetries: 0 });

test("a call streamed equals the call in one piece", async () => {
  const options = {
    model: "demo",
    max_tokens: 200,
    temperature: 0,
    messages: [{ role: "user", content: world.question }],
    tools: [
      {
        name: "get_weather",
        description: world.description,
        input_schema: world.parameters,
      },
    ],
  };
  const whole = await client.messages.create(options);
  const streamed = await client.messages.stream(options).finalMessage();
  for (const reply of [whole, streamed]) {
    assert.equal(reply.stop_reason, "tool_use");
    const [call] = reply.content.filter(({ type }) => type === "tool_use");
    assert.deepEqual([call.name, call.input], ["get_weather", { city: "Paris" }]);
  }
});

test("a prompt over the context is a bad request", async () => {
  const asked = client.messages.create({
    model: "demo",
    max_tokens: 10,
    messages: [{ role: "user", content: world.tooLong }],
  });
  await assert.rejects(asked, Anthropic.BadRequestError);
});
