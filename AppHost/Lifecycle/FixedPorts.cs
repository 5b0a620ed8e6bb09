using System.Net;
using System.Net.Sockets;

namespace InferenceTemplate.AppHost.Lifecycle;

/// <summary>
/// Refuses to start where a port that people know is taken. The orchestrator would go on, and what does not answer would be found much
/// later, or be another program that does.
/// </summary>
internal static class FixedPorts
{
    // Those of the Aspire dashboard itself, of its collector and of what it reads resources from.
    private static readonly string[] s_dashboard =
        ["ASPNETCORE_URLS", "ASPIRE_DASHBOARD_OTLP_ENDPOINT_URL", "ASPIRE_RESOURCE_SERVICE_ENDPOINT_URL"];

    public static void RequireFreePorts(this IDistributedApplicationBuilder builder)
    {
        if (!builder.ExecutionContext.IsRunMode || builder.Configuration["DcpPublisher:RandomizePorts"] == "true")
        {
            return;
        }

        builder.OnBeforeStart((start, _) =>
        {
            foreach (var (port, owner, settings) in Dashboard(builder).Concat(Services(start.Model)))
            {
                if (!IsFree(port))
                {
                    throw new DistributedApplicationException(
                        $"""
                        Port {port}, which {owner} needs, is in use.
                        'ss -ltnp sport = :{port}' names the process that listens on it: stop that, or set another port in {settings}.
                        """);
                }
            }

            return Task.CompletedTask;
        });
    }

    private static IEnumerable<(int Port, string Owner, string Settings)> Dashboard(IDistributedApplicationBuilder builder) =>
        s_dashboard.Select(name => builder.Configuration[name])
            .SelectMany(urls => (urls ?? "").Split(';', StringSplitOptions.RemoveEmptyEntries))
            .Select(url => new Uri(url).Port)
            .Where(port => port != 0)
            .Select(port => (port, "the Aspire dashboard", "AppHost/Properties/launchSettings.json"));

    private static IEnumerable<(int Port, string Owner, string Settings)> Services(DistributedApplicationModel model) =>
        from project in model.Resources.OfType<ProjectResource>()
        from endpoint in project.Annotations.OfType<EndpointAnnotation>()
        where endpoint.Port is not null
        let folder = Path.GetFileName(Path.GetDirectoryName(project.GetProjectMetadata().ProjectPath))
        select (
            endpoint.Port!.Value,
            project.Name,
            endpoint.Name == AppHost.Services.GrpcEndpoint ? "AppHost/Services.cs" : $"{folder}/Properties/launchSettings.json");

    private static bool IsFree(int port)
    {
        // Connections that just ended hold a port for minutes without any harm: .NET sets SO_REUSEADDR on Unix.
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        try
        {
            socket.Bind(new IPEndPoint(IPAddress.Loopback, port));
            socket.Listen();
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }
}
