using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text.Json.Nodes;

namespace InferenceTemplate.AppHost.Commands;

/// <summary>Makes requests of the Api with the admin's key into commands.</summary>
internal sealed class Administration(EndpointReference api, ParameterResource adminSecret)
{
    /// <summary>Adds a command that sends one request and shows the answer.</summary>
    /// <param name="request">What to send, by the command's arguments. A relative address.</param>
    public IResourceBuilder<OperationsResource> Add(
        IResourceBuilder<OperationsResource> operations,
        string name,
        string display,
        HttpCommandOptions options,
        Func<InteractionInputCollection, (string Path, HttpContent? Body)> request)
    {
        options.ResultMode = HttpCommandResultMode.Json;
        options.PrepareRequest = async context =>
        {
            var (path, body) = request(context.Arguments);
            var key = await adminSecret.GetValueAsync(context.CancellationToken);
            context.Request.RequestUri = new Uri(new Uri(api.Url), path);
            context.Request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", $"admin_{key}");
            context.Request.Content = body;
        };
        return operations.WithHttpCommand("/", display, () => api, name, options);
    }

    public static InteractionInput Text(string name, string label, string? value = null) =>
        new() { Name = name, Label = label, InputType = InputType.Text, Required = true, Value = value };

    /// <summary>A path with the argument's value as one segment.</summary>
    public static string Segment(InteractionInputCollection arguments, string name) =>
        Uri.EscapeDataString(arguments.GetString(name) ?? "");

    public static HttpContent Json(JsonObject body) => JsonContent.Create(body);
}
