// What a client on Node's own gRPC gets: the protocol's file read when it runs, no code made from it. Its argument is JSON, its answer too.
'use strict';

const grpc = require('@grpc/grpc-js');
const loader = require('@grpc/proto-loader');

const given = JSON.parse(process.argv[2]);
const { inference } = grpc.loadPackageDefinition(
  loader.loadSync(given.proto, { keepCase: true, longs: Number, enums: String, defaults: true }));
const client = new inference.GRPCInferenceService(given.address, grpc.credentials.createInsecure());

const keyOf = key => {
  const metadata = new grpc.Metadata();
  metadata.set('authorization', `Bearer ${key}`);
  return metadata;
};

const refusal = error => ({
  refused: grpc.status[error.code], details: error.details, retry_after: error.metadata.get('retry-after')[0],
});

const call = (method, request, { key = given.key, options = {}, begun = () => {} } = {}) => new Promise(resolve =>
  begun(client[method](request, keyOf(key), options, (error, answer) => resolve(error ? refusal(error) : answer))));

const floats = (...values) => Buffer.from(new Float32Array(values).buffer);

const numbers = answer => answer.refused
  ? answer
  : [...new Float32Array(Uint8Array.from(answer.raw_output_contents[0]).buffer)];

const raw = (x, more) => ({
  model_name: given.model, inputs: [{ name: 'x', datatype: 'FP32', shape: [x.length] }], raw_input_contents: [floats(...x)], ...more,
});

const typed = x => ({
  model_name: given.model, inputs: [{ name: 'x', datatype: 'FP32', shape: [x.length], contents: { fp32_contents: x } }],
});

// A model whose requests nobody takes.
const waiting = id => ({
  model_name: given.waiting, id, inputs: [{ name: 'image', datatype: 'FP32', shape: [1, 8, 8] }],
  raw_input_contents: [floats(...new Array(64).fill(0))],
  parameters: { timeout: { int64_param: given.longest_microseconds } },
});

const stream = requests => new Promise((resolve, reject) => {
  const answers = {};
  const both = client.ModelStreamInfer(keyOf(given.key));
  both.on('data', answer => {
    answers[answer.infer_response.id] = answer.error_message || numbers(answer.infer_response);
  });
  both.on('error', reject);
  both.on('end', () => resolve(answers));
  requests.forEach(request => both.write(request));
  both.end();
});

(async () => {
  const answers = {
    ready: await call('ServerReady', {}),
    metadata: await call('ModelMetadata', { name: given.model }),
    raw: numbers(await call('ModelInfer', raw([1.5, -2]))),
    typed: numbers(await call('ModelInfer', typed([0.25, 8]))),
    unknown: await call('ModelInfer', raw([1], { model_name: 'nothing' })),
    wrong: await call('ModelInfer', raw([1], { raw_input_contents: [floats(1, 2)] })),
    stranger: await call('ServerMetadata', {}, { key: 'nobody_secret' }),
    first: numbers(await call('ModelInfer', raw([3]), { key: given.limited_key })),
    limited: await call('ModelInfer', raw([3]), { key: given.limited_key }),
    stream: await stream([raw([5], { id: 'one' }), raw([6], { id: 'two', model_name: 'nothing' }), raw([7], { id: 'three' })]),
    deadline: await call('ModelInfer', waiting('late'), { options: { deadline: Date.now() + 1000 } }),
    cancelled: await call('ModelInfer', waiting('leaves'), { begun: begun => setTimeout(() => begun.cancel(), 500) }),
  };
  client.close();
  process.stdout.write(JSON.stringify(answers));
})();
