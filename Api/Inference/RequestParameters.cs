using System.Text.Json;
using InferenceTemplate.Core.Queue;

namespace InferenceTemplate.Api.Inference;

/// <summary>The <c>parameters</c> of a request that mean something here.</summary>
internal readonly record struct RequestParameters(TimeSpan? Timeout, Priority Priority, bool BinaryOutput)
{
    public static RequestParameters None => new(null, Priority.Normal, BinaryOutput: false);

    /// <exception cref="InvalidInferBodyException">A parameter is not what the protocol says.</exception>
    public static RequestParameters Read(ref JsonCursor json)
    {
        var parameters = None;
        if (json.IsNull)
        {
            return parameters;
        }

        json.Require(JsonTokenType.StartObject, "parameters");
        var seen = new MemberNames("parameters");
        while (json.NextProperty(ref seen))
        {
            if (json.Is("timeout"u8))
            {
                var microseconds = json.IsNull ? 0 : ReadWhole(json, "parameters.timeout: a whole number of microseconds expected");

                // Zero means: no timeout of its own.
                parameters = parameters with
                {
                    Timeout = microseconds == 0 ? null : TimeSpan.FromMicroseconds(Math.Min(microseconds, int.MaxValue * 1000L)),
                };
            }
            else if (json.Is("priority"u8))
            {
                parameters = parameters with
                {
                    Priority = Priorities.FromProtocol(json.IsNull ? 0 : ReadWhole(
                        json, "parameters.priority: a whole number from 0 expected (0 default, 1 highest, larger is lower)")),
                };
            }
            else if (json.Is("binary_data_output"u8))
            {
                parameters = parameters with { BinaryOutput = !json.IsNull && json.ReadBoolean("parameters.binary_data_output") };
            }
            else
            {
                json.SkipParameter("parameters");
            }
        }

        return parameters;
    }

    private static long ReadWhole(in JsonCursor json, string problem) =>
        json.Reader.TokenType == JsonTokenType.Number && json.Reader.TryGetInt64(out var value) && value >= 0
            ? value
            : throw new InvalidInferBodyException(problem);
}
