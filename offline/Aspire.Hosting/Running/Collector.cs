using System.Net.Sockets;
using Microsoft.Extensions.Configuration;

namespace Aspire.Hosting.Running;

/// <summary>
/// The OTLP collector that the launch profile names is Aspire's dashboard, which does not run here. Where nothing listens in its
/// place, services are not told of it: each would wait for its exporter's time-out when it stops.
/// </summary>
internal static class Collector
{
    private static readonly string[] Keys =
        ["ASPIRE_DASHBOARD_OTLP_ENDPOINT_URL", "ASPIRE_DASHBOARD_OTLP_HTTP_ENDPOINT_URL", "DOTNET_DASHBOARD_OTLP_ENDPOINT_URL", "DOTNET_DASHBOARD_OTLP_HTTP_ENDPOINT_URL"];

    public static void ForgetIfAbsent(IConfiguration configuration, ResourceConsole console)
    {
        foreach (var key in Keys)
        {
            if (Uri.TryCreate(configuration[key], UriKind.Absolute, out var address) && !Listens(address))
            {
                console.Status("apphost", $"no OTLP collector listens on {address}, so no telemetry is sent");
                configuration[key] = null;
            }
        }
    }

    private static bool Listens(Uri address)
    {
        try
        {
            using var client = new TcpClient(address.Host, address.Port);
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }
}
