using Aspire.Hosting.Testing;
using Google.Protobuf;
using Grpc.Core;
using Grpc.Net.Client;
using InferenceTemplate.Api.Grpc.Protocol;
using InferenceTemplate.Tests.Shared;

namespace InferenceTemplate.Tests.Api.Conformance;

/// <summary>A client of gRPC as any caller has it: a channel, and code made from the protocol.</summary>
internal sealed class GrpcCalls : IDisposable
{
    private readonly GrpcChannel _channel;

    public GrpcCalls(Platform platform, string? key = Platform.AdminKey)
    {
        _channel = GrpcChannel.ForAddress(
            AddressOf(platform), new GrpcChannelOptions { MaxReceiveMessageSize = null, MaxSendMessageSize = null });
        Client = new GRPCInferenceService.GRPCInferenceServiceClient(_channel);
        Headers = key is null ? [] : new Metadata { { "authorization", $"Bearer {key}" } };
    }

    public GRPCInferenceService.GRPCInferenceServiceClient Client { get; }

    public ChannelBase Channel => _channel;

    public Metadata Headers { get; }

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public static Uri AddressOf(Platform platform) => platform.App.GetEndpoint("api", "grpc");

    public static ModelInferRequest Message(Call call, bool typed)
    {
        var message = new ModelInferRequest { ModelName = call.Model, ModelVersion = call.Version ?? "", Id = call.Id ?? "" };
        foreach (var (name, value) in call.Parameters)
        {
            message.Parameters[name] = new() { Int64Param = value };
        }

        foreach (var input in call.Inputs)
        {
            var tensor =
                new ModelInferRequest.Types.InferInputTensor { Name = input.Name, Datatype = input.Datatype, Shape = { input.Shape } };
            if (typed)
            {
                tensor.Contents = Contents(input);
            }
            else
            {
                message.RawInputContents.Add(ByteString.CopyFrom(input.Data));
            }

            message.Inputs.Add(tensor);
        }

        foreach (var (name, value) in call.InputParameters)
        {
            message.Inputs[0].Parameters[name] = new() { StringParam = value };
        }

        foreach (var (name, classes) in call.Outputs)
        {
            var output = new ModelInferRequest.Types.InferRequestedOutputTensor { Name = name };
            if (classes > 0)
            {
                output.Parameters["classification"] = new() { Int64Param = classes };
            }

            message.Outputs.Add(output);
        }

        return message;
    }

    public async Task<CallAnswer> InferAsync(Call call, bool typed)
    {
        try
        {
            return Answer(await Client.ModelInferAsync(Message(call, typed), Headers, cancellationToken: Cancellation));
        }
        catch (RpcException exception)
        {
            return new(exception.StatusCode, exception.Status.Detail);
        }
    }

    /// <summary>One request and its answer in a stream, which does not tell the kind of an error.</summary>
    public async Task<CallAnswer> StreamAsync(Call call)
    {
        using var stream = Client.ModelStreamInfer(Headers, cancellationToken: Cancellation);
        await stream.RequestStream.WriteAsync(Message(call, typed: false), Cancellation);
        await stream.RequestStream.CompleteAsync();
        var answer = Assert.Single(await stream.ResponseStream.ReadAllAsync(Cancellation).ToListAsync(Cancellation));
        Assert.Equal(call.Id ?? "", answer.InferResponse.Id);
        Assert.True(answer.InferResponse.Parameters["triton_final_response"].BoolParam);
        return answer.ErrorMessage.Length > 0 ? new(StatusCode.Unknown, answer.ErrorMessage) : Answer(answer.InferResponse);
    }

    public static CallAnswer Answer(ModelInferResponse response)
    {
        // Some clients read nothing else.
        Assert.Equal(response.Outputs.Count, response.RawOutputContents.Count);
        return new CallAnswer(null, null)
        {
            Model = response.ModelName,
            Version = response.ModelVersion,
            Id = response.Id,
            Outputs =
            [
                .. response.Outputs.Zip(
                    response.RawOutputContents,
                    (output, raw) => new CallTensor(output.Name, output.Datatype, [.. output.Shape], raw.ToByteArray())),
            ],
        };
    }

    public void Dispose() => _channel.Dispose();

    private static InferTensorContents Contents(CallTensor input)
    {
        var contents = new InferTensorContents();
        foreach (var element in input.Elements)
        {
            switch (element)
            {
                case bool value:
                    contents.BoolContents.Add(value);
                    break;
                case sbyte or short or int:
                    contents.IntContents.Add(Convert.ToInt32(element, null));
                    break;
                case long value:
                    contents.Int64Contents.Add(value);
                    break;
                case byte or ushort or uint:
                    contents.UintContents.Add(Convert.ToUInt32(element, null));
                    break;
                case ulong value:
                    contents.Uint64Contents.Add(value);
                    break;
                case float value:
                    contents.Fp32Contents.Add(value);
                    break;
                case double value:
                    contents.Fp64Contents.Add(value);
                    break;
                case string value:
                    contents.BytesContents.Add(ByteString.CopyFromUtf8(value));
                    break;
            }
        }

        return contents;
    }
}
