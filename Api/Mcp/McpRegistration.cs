using System.Text.Json;
using System.Text.Json.Nodes;
using InferenceTemplate.Api.Auth;
using InferenceTemplate.Api.Inference;
using ModelContextProtocol.Server;

namespace InferenceTemplate.Api.Mcp;

/// <summary>
/// The Model Context Protocol at <c>/mcp</c>: agents use the models by the same keys, roles and limits as every caller. Stateless, so
/// that any replica answers any request.
/// </summary>
internal static class McpRegistration
{
    public static IServiceCollection AddMcp(this IServiceCollection services)
    {
        // Not as the interface, by which the server looks for it: it would then set it, and make a new context, for each request.
        services.AddSingleton<HttpContextAccessor>();
        services.AddMcpServer(server => server.ServerInfo = new() { Name = Server.Metadata.Name, Version = Server.Metadata.Version })
            .WithHttpTransport(transport => transport.Stateless = true)
            .AddAuthorizationFilters()
            .WithTools<McpTools>();
        services.PostConfigure<McpServerOptions>(server =>
        {
            var infer = server.ToolCollection!.First(tool => tool.ProtocolTool.Name == McpTools.InferName).ProtocolTool;
            infer.InputSchema = WithTypedInputs(infer.InputSchema);
        });
        return services;
    }

    // A parameter that is read as JSON has no type in the schema that is made of it, and agents give those as texts.
    private static JsonElement WithTypedInputs(JsonElement schema)
    {
        var typed = JsonNode.Parse(schema.GetRawText())!.AsObject();
        var inputs = typed["properties"]!["inputs"]!.AsObject();
        inputs["type"] = "array";
        inputs["items"] = JsonNode.Parse("""
            {
              "type": "object",
              "properties": {
                "name": {"type": "string"},
                "shape": {"type": "array", "items": {"type": "integer"}},
                "datatype": {"type": "string"},
                "data": {"type": "array"}
              },
              "required": ["name", "shape", "datatype", "data"]
            }
            """);
        return JsonElement.Parse(typed.ToJsonString());
    }

    public static void MapMcpTools(this IEndpointRouteBuilder endpoints)
    {
        var accessor = endpoints.ServiceProvider.GetRequiredService<HttpContextAccessor>();
        endpoints.MapMcp("/mcp").RequireAuthorization(Policies.Infer).ExcludeFromDescription().Finally(endpoint =>
        {
            var handle = endpoint.RequestDelegate!;
            endpoint.RequestDelegate = async context =>
            {
                accessor.HttpContext = context;
                try
                {
                    await handle(context);
                }
                finally
                {
                    accessor.HttpContext = null;
                }
            };
        });
    }
}
