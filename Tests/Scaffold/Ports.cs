using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text.RegularExpressions;

namespace InferenceTemplate.Tests.Scaffold;

/// <summary>Gives a project ports that are free: on those of its launch profiles another platform may run.</summary>
internal static partial class Ports
{
    [GeneratedRegex(@"(?<=://localhost:)\d+", RegexOptions.None, 1000)]
    private static partial Regex Port();

    public static async Task ReplaceAsync(GeneratedProject project, CancellationToken cancellation)
    {
        foreach (var file in project.Files.Where(file => file.EndsWith("Properties/launchSettings.json", StringComparison.Ordinal)))
        {
            var text = await File.ReadAllTextAsync(project.PathOf(file), cancellation);
            await File.WriteAllTextAsync(project.PathOf(file), Port().Replace(text, _ => Free()), cancellation);
        }
    }

    private static string Free()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port.ToString(CultureInfo.InvariantCulture);
    }
}
