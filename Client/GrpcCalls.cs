using System.Text.Json;
using Google.Protobuf;
using Grpc.Core;
using Grpc.Net.Client;
using InferenceTemplate.Api.Grpc.Protocol;

namespace InferenceTemplate.Client;

/// <summary>Runs models over gRPC, with the results, repetitions and exceptions that REST has.</summary>
internal sealed class GrpcCalls : IDisposable
{
    private readonly GrpcChannel _channel;
    private readonly GRPCInferenceService.GRPCInferenceServiceClient _client;
    private readonly Metadata _headers;

    public GrpcCalls(Uri address, string? key, HttpMessageHandler handler)
    {
        // The platform says what is too large.
        _channel = GrpcChannel.ForAddress(
            address, new() { HttpHandler = handler, MaxReceiveMessageSize = null, MaxSendMessageSize = null });
        _client = new(_channel);
        _headers = key is null ? [] : new Metadata { { "authorization", $"Bearer {key}" } };
    }

    public async Task<InferenceResult> InferAsync(
        string model, IReadOnlyList<InferenceTensor> inputs, InferenceOptions options, TimeSpan limit, CancellationToken cancellationToken)
    {
        var message = Request(model, inputs, options);
        var deadline = TimeProvider.System.GetUtcNow() + limit;
        for (var repeated = 0; ; repeated++)
        {
            try
            {
                using var call = _client.ModelInferAsync(message, _headers, deadline.UtcDateTime, cancellationToken);
                return Result(await call.ConfigureAwait(false));
            }
            catch (RpcException exception) when (cancellationToken.IsCancellationRequested)
            {
                throw new OperationCanceledException(exception.Message, exception, cancellationToken);
            }
            catch (RpcException exception)
            {
                var refused = InferenceException.Of(exception);
                if (RepeatPolicy.WaitAfter(refused, repeated, deadline - TimeProvider.System.GetUtcNow()) is not { } wait)
                {
                    throw refused;
                }

                await Task.Delay(wait, cancellationToken).ConfigureAwait(false);
            }
        }
    }

    public void Dispose() => _channel.Dispose();

    private static ModelInferRequest Request(string model, IReadOnlyList<InferenceTensor> inputs, InferenceOptions options)
    {
        ArgumentException.ThrowIfNullOrEmpty(model);
        ArgumentNullException.ThrowIfNull(inputs);
        InferenceOptions.Check(options);
        if (options.IdempotencyKey is not null)
        {
            throw new ArgumentException("IdempotencyKey: a call over gRPC has none, since each may be repeated", nameof(options));
        }

        var message = new ModelInferRequest { ModelName = model, ModelVersion = options.Version ?? "", Id = options.RequestId ?? "" };
        if (options.Timeout is { } timeout)
        {
            message.Parameters["timeout"] = new() { Int64Param = (long)timeout.TotalMicroseconds };
        }

        if (options.Priority != InferencePriority.Default)
        {
            message.Parameters["priority"] = new() { Int64Param = (long)options.Priority };
        }

        foreach (var input in inputs)
        {
            var tensor = new ModelInferRequest.Types.InferInputTensor { Name = input.Name, Datatype = input.Datatype };
            tensor.Shape.AddRange(input.Shape);
            message.Inputs.Add(tensor);
            message.RawInputContents.Add(UnsafeByteOperations.UnsafeWrap(input.Data));
        }

        message.Outputs.AddRange(
            options.Outputs.Select(name => new ModelInferRequest.Types.InferRequestedOutputTensor { Name = name }));
        return message;
    }

    private static InferenceResult Result(ModelInferResponse response)
    {
        if (response.RawOutputContents.Count != response.Outputs.Count)
        {
            throw ApiTransport.Unreadable($"{response.RawOutputContents.Count} raw outputs for {response.Outputs.Count}");
        }

        var outputs = response.Outputs.Zip(response.RawOutputContents, (output, raw) =>
        {
            long[] shape = [.. output.Shape];
            InferResponse.Check(output.Name, output.Datatype, shape, raw.Length);
            return new InferenceTensor(output.Name, output.Datatype, shape, raw.ToByteArray());
        });
        return new InferenceResult(
            response.ModelName, response.ModelVersion, response.Id.Length > 0 ? response.Id : null,
            response.Parameters.ToDictionary(p => p.Key, p => ValueOf(p.Value), StringComparer.Ordinal), [.. outputs]);
    }

    private static JsonElement ValueOf(InferParameter parameter) => parameter.ParameterChoiceCase switch
    {
        InferParameter.ParameterChoiceOneofCase.BoolParam =>
            JsonSerializer.SerializeToElement(parameter.BoolParam, ClientJson.Default.Boolean),
        InferParameter.ParameterChoiceOneofCase.Int64Param =>
            JsonSerializer.SerializeToElement(parameter.Int64Param, ClientJson.Default.Int64),
        InferParameter.ParameterChoiceOneofCase.Uint64Param =>
            JsonSerializer.SerializeToElement(parameter.Uint64Param, ClientJson.Default.UInt64),
        InferParameter.ParameterChoiceOneofCase.DoubleParam =>
            JsonSerializer.SerializeToElement(parameter.DoubleParam, ClientJson.Default.Double),
        _ => JsonSerializer.SerializeToElement(parameter.StringParam, ClientJson.Default.String),
    };
}
