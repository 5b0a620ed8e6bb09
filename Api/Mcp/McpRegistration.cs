using InferenceTemplate.Api.Auth;
using InferenceTemplate.Api.Inference;

namespace InferenceTemplate.Api.Mcp;

/// <summary>
/// The Model Context Protocol at <c>/mcp</c>: agents use the models by the same keys, roles and limits as every caller. Stateless, so
/// that any replica answers any request.
/// </summary>
internal static class McpRegistration
{
    public static IServiceCollection AddMcp(this IServiceCollection services)
    {
        services.AddHttpContextAccessor();
        services.AddMcpServer(server => server.ServerInfo = new() { Name = Server.Metadata.Name, Version = Server.Metadata.Version })
            .WithHttpTransport(transport => transport.Stateless = true)
            .AddAuthorizationFilters()
            .WithTools<McpTools>();
        return services;
    }

    public static void MapMcpTools(this IEndpointRouteBuilder endpoints) =>
        endpoints.MapMcp("/mcp").RequireAuthorization(Policies.Infer).ExcludeFromDescription();
}
