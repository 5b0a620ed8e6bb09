using System.Net.Http.Headers;
using System.Text.Json.Nodes;

namespace InferenceTemplate.AppHost.Commands;

/// <summary>Which version of a model answers, and a first answer of it.</summary>
internal static class ModelCommands
{
    private const string Model = "model";
    private const string Version = "version";

    private const string Digits = "digits";

    public static IResourceBuilder<OperationsResource> WithModelCommands(
        this IResourceBuilder<OperationsResource> operations, Administration administration)
    {
        var example = Path.Combine(operations.ApplicationBuilder.AppHostDirectory, "..", "models", Digits, "example-request.json");
        var sample = File.Exists(example) ? Digits : null;
        if (sample is not null)
        {
            administration.Add(
                operations,
                "infer",
                "Classify a sample digit",
                new()
                {
                    Description = "Sends models/digits/example-request.json, the picture of a seven.",
                    IconName = "Send",
                    IsHighlighted = true
                },
                _ => ($"/v2/models/{sample}/infer", new ByteArrayContent(File.ReadAllBytes(example))
                {
                    Headers = { ContentType = new MediaTypeHeaderValue("application/json") },
                }));
        }

        administration.Add(
            operations,
            "promote",
            "Promote a version",
            new()
            {
                Description = "Makes a version the stable one, which answers requests that name none.",
                Arguments = [Administration.Text(Model, "Model", sample), Administration.Text(Version, "Version, or an alias of one")],
                ConfirmationMessage = "Requests that name no version will be answered by another one.",
                IconName = "ArrowUpload",
            },
            arguments => (
                $"/v1/models/{Administration.Segment(arguments, Model)}/promote",
                Administration.Json(new JsonObject { ["version"] = arguments.GetString(Version) })));
        return administration.Add(
            operations,
            "roll-back",
            "Roll back",
            new()
            {
                Description = "Goes back to the version that was stable before.",
                Arguments = [Administration.Text(Model, "Model", sample)],
                ConfirmationMessage = "Requests that name no version will be answered by the version that was stable before.",
                IconName = "ArrowUndo",
            },
            arguments => ($"/v1/models/{Administration.Segment(arguments, Model)}/rollback", null));
    }
}
