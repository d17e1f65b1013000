// What every client is asked: see world.py.
export const url = process.env.SERVER_URL; // ends in /v1
export const root = url.replace(/\/v1$/, "");
export const question = "What is the weather like in Paris?";
export const twoCities = "What is the weather like in Paris and Lyon?";
export const description = "Get the current weather in a city";
export const parameters = {
  type: "object",
  properties: { city: { type: "string", description: "Name of the city" } },
  required: ["city"],
  additionalProperties: false,
};
export const tool = {
  type: "function",
  function: { name: "get_weather", description, parameters },
};
export const place = {
  type: "object",
  properties: {
    city: { type: "string", maxLength: 40 },
    size: { enum: ["small", "large"] },
    capital: { type: "boolean" },
  },
  required: ["city", "size", "capital"],
  additionalProperties: false,
};
export const tooLong = "word ".repeat(100_000);

export function isPlace(found) {
  return (
    typeof found.city === "string" &&
    ["small", "large"].includes(found.size) &&
    typeof found.capital === "boolean" &&
    Object.keys(found).length === 3
  );
}
