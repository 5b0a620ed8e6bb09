// What OpenAI's own client for Node gets. Its argument is JSON, its answer too.
'use strict';

const { OpenAI } = require('openai');

const given = JSON.parse(process.argv[2]);
const clientOf = apiKey => new OpenAI({ baseURL: given.address, apiKey, maxRetries: 0 });
const client = clientOf(given.key);
const messages = [{ role: 'user', content: 'Hello there' }];
const chat = { model: given.model, messages, max_tokens: 12, temperature: 0 };

// As zod writes a whole number.
const schema = {
  $schema: 'http://json-schema.org/draft-07/schema#',
  type: 'object',
  properties: { kind: { type: 'string', enum: ['x', 'y'] }, count: { type: 'integer', minimum: -9007199254740991, maximum: 9007199254740991 } },
  required: ['kind', 'count'],
  additionalProperties: false,
};

const refusal = async call => {
  try {
    return { answered: await call };
  } catch (error) {
    return { name: error.constructor.name, status: error.status, code: error.code, message: error.message };
  }
};

(async () => {
  const whole = await client.chat.completions.create(chat);
  let text = '', usage = null;
  for await (const part of await client.chat.completions.create({ ...chat, stream: true, stream_options: { include_usage: true } })) {
    text += part.choices[0]?.delta?.content ?? '';
    usage = part.usage ?? usage;
  }

  const parsed = await client.chat.completions.parse({
    ...chat, max_tokens: 100, response_format: { type: 'json_schema', json_schema: { name: 'x', strict: true, schema } },
  });
  const left = new AbortController();
  let parts = 0;
  for await (const _ of await client.chat.completions.create({ ...chat, max_tokens: 2000, stream: true }, { signal: left.signal })) {
    if (++parts === 2) left.abort();
  }

  const listed = [];
  for await (const model of client.models.list()) listed.push(model.id);
  process.stdout.write(JSON.stringify({
    whole: whole.choices[0].message.content,
    streamed: text,
    usage: [whole.usage, usage],
    parsed: parsed.choices[0].message.parsed,
    finish: parsed.choices[0].finish_reason,
    parts,
    listed: listed.includes(given.model),
    retrieved: (await client.models.retrieve(given.model)).id,
    unknown_model: await refusal(client.models.retrieve('no-such')),
    unknown_chat: await refusal(client.chat.completions.create({ ...chat, model: 'no-such' })),
    stranger: await refusal(clientOf('nobody_secret').models.list()),
    not_served: await refusal(client.responses.create({ model: given.model, input: 'Hello' })),
  }));
})();
