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
                parameters = parameters with
                {
                    Timeout = RequestRules.TimeoutOf(json.IsNull ? 0 : json.ReadWhole(RequestRules.Timeout)),
                };
            }
            else if (json.Is("priority"u8))
            {
                parameters = parameters with
                {
                    Priority = Priorities.FromProtocol(json.IsNull ? 0 : json.ReadWhole(RequestRules.Priority)),
                };
            }
            else if (json.Is("binary_data_output"u8))
            {
                parameters = parameters with { BinaryOutput = !json.IsNull && json.ReadBoolean("parameters.binary_data_output") };
            }
            else if (json.Is("content_type"u8))
            {
                json.RefuseContentType("parameters");
            }
            else
            {
                json.SkipParameter("parameters");
            }
        }

        return parameters;
    }
}
