using System.Globalization;
using System.Text;
using System.Text.Json;
using Grpc.Core;

namespace InferenceTemplate.Tests.Api.Conformance;

/// <summary>Calls over REST whose outputs are read raw, so that they can be compared with those of gRPC bit for bit.</summary>
internal static class RestCalls
{
    public static async Task<CallAnswer> InferAsync(ProtocolModels models, Call call, bool raw)
    {
        var path = call.Version is null ? $"/v2/models/{call.Model}/infer" : $"/v2/models/{call.Model}/versions/{call.Version}/infer";
        var json = Encoding.UTF8.GetBytes(Json(call, raw));
        byte[] body = raw ? [.. json, .. call.Inputs.SelectMany(input => input.Data)] : json;
        (string, string)[] headers = raw
            ? [("Content-Type", "application/octet-stream"), ("Inference-Header-Content-Length", $"{json.Length}")]
            : [("Content-Type", "application/json")];
        using var response = await models.PostAsync(path, body, headers);
        var answer = await response.Content.ReadAsByteArrayAsync(ProtocolModels.Cancellation);
        if (!response.IsSuccessStatusCode)
        {
            return new(CodeOf((int)response.StatusCode), JsonElement.Parse(answer).GetProperty("error").GetString());
        }

        var at = int.Parse(Assert.Single(response.Headers.GetValues("Inference-Header-Content-Length")), CultureInfo.InvariantCulture);
        var head = JsonElement.Parse(answer.AsSpan(0, at));
        var outputs = new List<CallTensor>();
        foreach (var output in head.GetProperty("outputs").EnumerateArray())
        {
            var size = output.GetProperty("parameters").GetProperty("binary_data_size").GetInt32();
            outputs.Add(new(
                output.GetProperty("name").GetString()!,
                output.GetProperty("datatype").GetString()!,
                [.. output.GetProperty("shape").EnumerateArray().Select(size => size.GetInt64())],
                answer[at..(at + size)]));
            at += size;
        }

        return new(null, null)
        {
            Model = head.GetProperty("model_name").GetString()!,
            Version = head.GetProperty("model_version").GetString()!,
            Id = head.TryGetProperty("id", out var id) ? id.GetString()! : "",
            Outputs = [.. outputs],
        };
    }

    private static string Json(Call call, bool raw)
    {
        var parameters = call.Parameters.Select(p => $"\"{p.Name}\":{p.Value}").Append("\"binary_data_output\":true");
        var inputs = call.Inputs.Select((input, index) =>
        {
            var own = (index == 0 ? call.InputParameters : []).Select(p => $"\"{p.Name}\":\"{p.Value}\"")
                .Concat(raw ? [$"\"binary_data_size\":{input.Data.Length}"] : []);
            var data = raw ? "" : $",\"data\":{input.Json}";
            return $$"""{"name":"{{input.Name}}","datatype":"{{input.Datatype}}","shape":[{{string.Join(',', input.Shape)}}],"parameters":{{{string.Join(',', own)}}}{{data}}}""";
        });
        var outputs = call.Outputs.Select(output =>
            $$$"""{"name":"{{{output.Name}}}","parameters":{"classification":{{{output.Classes}}}}}""");
        var id = call.Id is null ? "" : $"\"id\":\"{call.Id}\",";
        return $$"""{{{id}}"parameters":{{{string.Join(',', parameters)}}},"inputs":[{{string.Join(',', inputs)}}],"outputs":[{{string.Join(',', outputs)}}]}""";
    }

    private static StatusCode CodeOf(int status) => status switch
    {
        400 => StatusCode.InvalidArgument,
        404 => StatusCode.NotFound,
        504 => StatusCode.DeadlineExceeded,
        _ => StatusCode.Unknown,
    };
}
