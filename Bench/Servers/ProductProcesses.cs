using System.Diagnostics;
using System.Globalization;
using Npgsql;

namespace InferenceTemplate.Bench.Servers;

/// <summary>
/// The processes of a product that runs here. Services know its own Postgres by its address; the servers are found by the port that
/// they listen on. Linux only, and only where no container holds them.
/// </summary>
internal static class ProductProcesses
{
    public static async Task<IReadOnlyList<(string Name, Process Process)>> FindAsync(Product product)
    {
        var database = await product.ConnectionStringAsync("inference");
        var redis = await product.ConnectionStringAsync("redis");
        var found = new List<(string, Process)>();
        foreach (var process in Process.GetProcesses())
        {
            if (Name(process.Id, database, redis) is { } name)
            {
                found.Add((name, process));
            }
        }

        return [.. found.OrderBy(f => f.Item1, StringComparer.Ordinal)];
    }

    private static string? Name(int process, string database, string redis)
    {
        try
        {
            var command = File.ReadAllText($"/proc/{process}/cmdline").Replace('\0', ' ');
            if (command.Contains("redis-server ", StringComparison.Ordinal))
            {
                return command.Contains($":{Port(redis)}", StringComparison.Ordinal) ? "redis" : null;
            }

            // Not the shell that watches over it.
            if (command.Contains("/postgres -D", StringComparison.Ordinal) && !command.Contains(" -c trap ", StringComparison.Ordinal))
            {
                var port = new NpgsqlConnectionStringBuilder(database).Port;
                return command.Contains($"-p {port} ", StringComparison.Ordinal) ? "postgres" : null;
            }

            var service = command.Contains("InferenceTemplate.Api", StringComparison.Ordinal) ? "api"
                : command.Contains("InferenceTemplate.Worker", StringComparison.Ordinal) ? "worker"
                : null;
            return service is not null
                && File.ReadAllText($"/proc/{process}/environ").Contains(database, StringComparison.Ordinal)
                ? service
                : null;
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    private static int Port(string redis) =>
        int.Parse(redis.Split(',')[0].Split(':')[^1], CultureInfo.InvariantCulture);
}
