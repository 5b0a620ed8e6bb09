using Google.Protobuf;
using Google.Protobuf.Collections;
using InferenceTemplate.Api.Grpc.Protocol;
using InferenceTemplate.Api.Inference;
using InferenceTemplate.Core.Queue;
using InferenceTemplate.Core.Tensors;

namespace InferenceTemplate.Api.Grpc;

/// <summary>
/// Requests and answers between messages and tensors. Raw contents are the queue's own form: they are neither converted nor copied here.
/// </summary>
internal static class InferMessages
{
    // All outputs are answered raw: clients of several languages read nothing else.
    private static readonly Dictionary<string, bool> Named = [];

    /// <summary>What the raw contents of a request are together; null where it has none.</summary>
    public static long? RawBytes(ModelInferRequest request) =>
        request.RawInputContents.Count > 0 ? request.RawInputContents.Sum(raw => (long)raw.Length) : null;

    /// <param name="left">Time until the call's deadline; null where it has none.</param>
    /// <exception cref="InvalidInferBodyException">Says which field is wrong and how.</exception>
    public static InferBody Read(ModelInferRequest request, LimitOptions limits, TimeSpan? left)
    {
        if (request.Id.Length > limits.MaxIdLength)
        {
            throw RequestRules.LongId(request.Id.Length, limits);
        }

        var (timeout, priority) = Parameters(request.Parameters);
        var outputs = Outputs(request, limits, out var classes);
        return new InferBody(request.Id.Length == 0 ? null : request.Id, Shorter(timeout, left), Inputs(request, limits), outputs)
        {
            Priority = priority,
            Forms = classes is null ? OutputForms.Binary : new OutputForms(byDefault: true, Named, classes),
        };
    }

    public static ModelInferResponse Response(InferOutcome outcome)
    {
        var response = new ModelInferResponse
        {
            ModelName = outcome.Version!.Model,
            ModelVersion = outcome.Version.Version,
            Id = outcome.Body!.Id ?? "",
        };
        foreach (var output in outcome.Reply!.Outputs)
        {
            var tensor = new ModelInferResponse.Types.InferOutputTensor { Name = output.Name, Datatype = output.Datatype.Name() };
            tensor.Shape.AddRange(output.Shape);
            response.Outputs.Add(tensor);
            response.RawOutputContents.Add(UnsafeByteOperations.UnsafeWrap(output.Data));
        }

        Describe(outcome.Parameters!, response.Parameters);
        return response;
    }

    private static Tensor[] Inputs(ModelInferRequest request, LimitOptions limits)
    {
        if (request.Inputs.Count > limits.MaxTensors)
        {
            throw RequestRules.TooManyTensors("inputs", limits);
        }

        var raw = request.RawInputContents;
        if (raw.Count > 0 && raw.Count != request.Inputs.Count)
        {
            throw new InvalidInferBodyException(
                $"raw_input_contents: {raw.Count} given for {request.Inputs.Count} inputs; all inputs are raw, or none");
        }

        var inputs = new Tensor[request.Inputs.Count];
        for (var i = 0; i < inputs.Length; i++)
        {
            inputs[i] = Input(request.Inputs[i], raw.Count > 0 ? raw[i] : null, i, limits);
        }

        return inputs;
    }

    private static Tensor Input(ModelInferRequest.Types.InferInputTensor input, ByteString? raw, int index, LimitOptions limits)
    {
        if (input.Name.Length == 0 || input.Name.Length > limits.MaxNameLength)
        {
            throw input.Name.Length == 0
                ? RequestRules.Missing("inputs", index, "name")
                : RequestRules.LongName("inputs", index, input.Name.Length, limits);
        }

        var datatype = InputReader.ParseDatatype(input.Datatype, index);
        var isBase64 = false;
        foreach (var (name, value) in input.Parameters)
        {
            RefuseExtension(name, value, $"inputs[{index}].parameters");
            isBase64 |= name == "content_type" && value.StringParam == Base64Elements.ContentType;
        }

        if (input.Shape.Count > limits.MaxDimensions)
        {
            throw RequestRules.TooManyDimensions(index, limits);
        }

        if (input.Shape.Any(size => size < 0 || size > limits.MaxElements))
        {
            throw RequestRules.WrongSize(index, limits);
        }

        long[] shape = [.. input.Shape];
        var count = TensorDataReader.ElementCount(shape, index, limits);
        if (raw is null)
        {
            return Decoded(new Tensor(input.Name, datatype, shape, TensorContents.Read(input.Contents ?? new(), datatype, count, index)));
        }

        if (TensorContents.HasAny(input.Contents))
        {
            throw new InvalidInferBodyException($"inputs[{index}].contents: given beside raw_input_contents; give one of them");
        }

        BinaryTensors.Check(raw.Span, datatype, count, index, "raw_input_contents");
        return Decoded(new Tensor(input.Name, datatype, shape, raw.Memory));

        Tensor Decoded(Tensor tensor) => isBase64 ? Base64Elements.Decode(tensor, index) : tensor;
    }

    private static string[] Outputs(ModelInferRequest request, LimitOptions limits, out Dictionary<string, int>? classes)
    {
        classes = null;
        if (request.Outputs.Count > limits.MaxTensors)
        {
            throw RequestRules.TooManyTensors("outputs", limits);
        }

        var names = new List<string>(request.Outputs.Count);
        foreach (var output in request.Outputs)
        {
            if (names.Contains(output.Name))
            {
                throw RequestRules.RepeatedOutput(output.Name);
            }

            foreach (var (name, value) in output.Parameters)
            {
                if (name == "content_type")
                {
                    RefuseContentType(value, $"outputs[{names.Count}].parameters");
                }
                else if (name != "classification")
                {
                    RefuseExtension(name, value, $"outputs[{names.Count}].parameters");
                }
                else if (Whole(value) is { } number and <= Classification.MaxClasses)
                {
                    (classes ??= new(StringComparer.Ordinal))[output.Name] = (int)number;
                }
                else
                {
                    throw RequestRules.WrongClasses(names.Count);
                }
            }

            names.Add(output.Name);
        }

        return [.. names];
    }

    private static (TimeSpan? Timeout, Priority Priority) Parameters(MapField<string, InferParameter> parameters)
    {
        var (timeout, priority) = ((TimeSpan?)null, Priority.Normal);
        foreach (var (name, value) in parameters)
        {
            switch (name)
            {
                case "timeout":
                    timeout = RequestRules.TimeoutOf(Whole(value) ?? throw new InvalidInferBodyException(RequestRules.Timeout));
                    break;
                case "priority":
                    priority = Priorities.FromProtocol(Whole(value) ?? throw new InvalidInferBodyException(RequestRules.Priority));
                    break;
                case "content_type":
                    RefuseContentType(value, "parameters");
                    break;
                default:
                    RefuseExtension(name, value, "parameters");
                    break;
            }
        }

        return (timeout, priority);
    }

    private static void Describe(AnswerParameters answer, MapField<string, InferParameter> parameters)
    {
        parameters["queue_us"] = new() { Int64Param = (long)answer.Queue.TotalMicroseconds };
        parameters["compute_us"] = new() { Int64Param = (long)answer.Compute.TotalMicroseconds };
        parameters["batch_size"] = new() { Int64Param = answer.BatchSize };
        parameters["cost"] = new() { DoubleParam = (double)answer.Cost };
        parameters["currency"] = new() { StringParam = answer.Currency };
        if (answer.CacheHit is { } hit)
        {
            parameters["cache_hit"] = new() { BoolParam = hit };
        }

        if (answer.Fallback is { } fallback)
        {
            parameters["fallback"] = new() { StringParam = fallback };
        }

        if (answer.LoweredTo is { } priority)
        {
            parameters["priority"] = new() { StringParam = priority.Name() };
        }
    }

    private static void RefuseContentType(InferParameter value, string path)
    {
        if (RequestRules.RefusalOfContentType(value.StringParam, path) is { } refusal)
        {
            throw refusal;
        }
    }

    private static void RefuseExtension(string name, InferParameter value, string path)
    {
        if (RequestRules.RefusalOf(name, path) is { } refusal && !AsksForNothing(value))
        {
            throw refusal;
        }
    }

    private static bool AsksForNothing(InferParameter value) => value.ParameterChoiceCase switch
    {
        InferParameter.ParameterChoiceOneofCase.BoolParam => !value.BoolParam,
        InferParameter.ParameterChoiceOneofCase.StringParam => value.StringParam.Length == 0,
        InferParameter.ParameterChoiceOneofCase.DoubleParam => value.DoubleParam == 0,
        _ => Whole(value) == 0,
    };

    // Null for what is no whole number from 0.
    private static long? Whole(InferParameter value) => value.ParameterChoiceCase switch
    {
        InferParameter.ParameterChoiceOneofCase.None => 0,
        InferParameter.ParameterChoiceOneofCase.Int64Param when value.Int64Param >= 0 => value.Int64Param,
        InferParameter.ParameterChoiceOneofCase.Uint64Param => (long)Math.Min(value.Uint64Param, long.MaxValue),
        _ => null,
    };

    private static TimeSpan? Shorter(TimeSpan? timeout, TimeSpan? left) =>
        left is null || timeout < left ? timeout : left > TimeSpan.FromMilliseconds(1) ? left : TimeSpan.FromMilliseconds(1);
}
