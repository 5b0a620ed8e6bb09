namespace InferenceTemplate.Api.Inference;

/// <summary>What is wrong with a request, in the same words whichever protocol it came by.</summary>
internal static class RequestRules
{
    public const string Timeout = "parameters.timeout: a whole number of microseconds expected";

    public const string Priority = "parameters.priority: a whole number from 0 expected (0 default, 1 highest, larger is lower)";

    /// <param name="microseconds">From 0, which means: no timeout of its own.</param>
    public static TimeSpan? TimeoutOf(long microseconds) =>
        microseconds == 0 ? null : TimeSpan.FromMicroseconds(Math.Min(microseconds, int.MaxValue * 1000L));

    public static InvalidInferBodyException LongId(int length, LimitOptions limits) =>
        new($"id: {length} characters given, at most {limits.MaxIdLength} allowed");

    /// <param name="tensors"><c>inputs</c> or <c>outputs</c>, here and below.</param>
    public static InvalidInferBodyException TooManyTensors(string tensors, LimitOptions limits) =>
        new($"{tensors}: more than {limits.MaxTensors} given");

    public static InvalidInferBodyException LongName(string tensors, int index, int length, LimitOptions limits) =>
        new($"{tensors}[{index}].name: {length} characters given, at most {limits.MaxNameLength} allowed");

    public static InvalidInferBodyException Missing(string tensors, int index, string member) => new($"{tensors}[{index}].{member}: missing");

    public static InvalidInferBodyException WrongSize(int index, LimitOptions limits) =>
        new($"inputs[{index}].shape: whole numbers from 0 to {limits.MaxElements} expected");

    public static InvalidInferBodyException TooManyDimensions(int index, LimitOptions limits) =>
        new($"inputs[{index}].shape: more than {limits.MaxDimensions} dimensions");

    public static InvalidInferBodyException RepeatedOutput(string name) => new($"outputs: '{name}' is asked for more than once");

    public static InvalidInferBodyException WrongClasses(int index) => new(
        $"outputs[{index}].parameters.classification: a whole number of classes up to {Classification.MaxClasses} expected");

    /// <summary>Why a content type of a request or an output can't be had; null where it changes nothing.</summary>
    /// <param name="path">Where it stands.</param>
    public static InvalidInferBodyException? RefusalOfContentType(string type, string path) => type != Base64Elements.ContentType
        ? null
        : new($"{path}.content_type: {type} is only for an input; outputs of any bytes come as binary tensors (binary_data)");

    /// <summary>Why a parameter that means nothing here can't be left out: the answer would be another. Null where it can.</summary>
    /// <param name="path">Where it stands.</param>
    public static InvalidInferBodyException? RefusalOf(string parameter, string path)
    {
        return parameter.StartsWith("sequence_", StringComparison.Ordinal) ? Unsupported("sequence")
            : parameter.StartsWith("shared_memory_", StringComparison.Ordinal) ? Unsupported("shared_memory")
            : parameter == "classification" ? new($"{path}.classification: it is a parameter of an output")
            : null;

        InvalidInferBodyException Unsupported(string extension) =>
            new($"{path}.{parameter}: the extension '{extension}' is not supported");
    }
}
