// The official Node client, in Chat Completions and in Responses.
import assert from "node:assert/strict";
import { test } from "node:test";
import OpenAI from "openai";
import * as world from "./world.mjs";

const client = new OpenAI({ baseURL: world.url, apiKey: "none", maxRetries: 0 });
const greedy = { model: "demo", temperature: 0 };
const describe = [{ role: "user", content: "Describe Paris." }];

function calls(message) {
  return message.tool_calls.map(({ function: { name, arguments: text } }) => [
    name,
    JSON.parse(text),
  ]);
}

test("a call streamed equals the call in one piece", async () => {
  const options = {
    ...greedy,
    messages: [{ role: "user", content: world.twoCities }],
    tools: [world.tool],
  };
  const whole = await client.chat.completions.create(options);
  const streamed = await client.chat.completions.stream(options).finalChatCompletion();
  for (const reply of [whole, streamed]) {
    assert.equal(reply.choices[0].finish_reason, "tool_calls");
    assert.deepEqual(calls(reply.choices[0].message), [
      ["get_weather", { city: "Paris" }],
      ["get_weather", { city: "Lyon" }],
    ]);
  }
});

test("runTools gets the result and tells it", async () => {
  const asked = [];
  const runner = client.chat.completions.runTools({
    ...greedy,
    messages: [{ role: "user", content: world.question }],
    tools: [
      {
        type: "function",
        function: {
          name: "get_weather",
          description: world.description,
          parameters: world.parameters,
          parse: JSON.parse,
          function: ({ city }) => {
            asked.push(city);
            return '{"temperature": 18, "condition": "sunny"}';
          },
        },
      },
    ],
  });
  assert.match(await runner.finalContent(), /18/);
  assert.deepEqual(asked, ["Paris"]);
});

for (const stream of [false, true]) {
  test(`a structured answer has its form, stream ${stream}`, async () => {
    const options = {
      ...greedy,
      messages: describe,
      max_tokens: 200,
      response_format: {
        type: "json_schema",
        json_schema: { name: "place", schema: world.place, strict: true },
      },
    };
    const reply = stream
      ? await client.chat.completions.stream(options).finalChatCompletion()
      : await client.chat.completions.create(options);
    assert.ok(world.isPlace(JSON.parse(reply.choices[0].message.content)));
  });

  test(`a prompt over the context is a bad request by its code, stream ${stream}`, async () => {
    const asked = client.chat.completions.create({
      model: "demo",
      messages: [{ role: "user", content: world.tooLong }],
      stream,
    });
    await assert.rejects(asked, (error) => {
      assert.ok(error instanceof OpenAI.BadRequestError);
      assert.equal(error.code, "context_length_exceeded");
      assert.equal(error.param, "messages");
      return true;
    });
  });
}

test("responses call tools, streamed or not", async () => {
  const tool = { type: "function", ...world.tool.function };
  const options = { ...greedy, input: world.question, tools: [tool] };
  const whole = await client.responses.create(options);
  const streamed = await client.responses.stream(options).finalResponse();
  for (const reply of [whole, streamed]) {
    const [call] = reply.output;
    assert.equal(call.type, "function_call");
    assert.deepEqual(JSON.parse(call.arguments), { city: "Paris" });
  }
});
