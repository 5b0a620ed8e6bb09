using System.Net.Sockets;
using System.Text;
using Aspire.Hosting.ApplicationModel;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace Aspire.Hosting.Redis;

/// <summary>Healthy when it takes the password and answers PING; while it still loads its data it does not.</summary>
internal sealed class RedisHealthCheck(RedisResource redis) : IHealthCheck
{
    public async Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default)
    {
        try
        {
            using var client = new TcpClient { NoDelay = true };
            await client.ConnectAsync(redis.PrimaryEndpoint.Host, redis.PrimaryEndpoint.Port, cancellationToken);
            using var reader = new StreamReader(client.GetStream());
            if (redis.PasswordParameter is not null)
            {
                var password = await redis.PasswordParameter.GetValueAsync(cancellationToken);
                await SendAsync(client, reader, "+OK", cancellationToken, "AUTH", password!);
            }

            await SendAsync(client, reader, "+PONG", cancellationToken, "PING");
            return HealthCheckResult.Healthy();
        }
        catch (Exception e) when (e is SocketException or IOException or InvalidDataException)
        {
            return HealthCheckResult.Unhealthy(e.Message, e);
        }
    }

    private static async Task SendAsync(
        TcpClient client, StreamReader reader, string expected, CancellationToken cancellationToken, params string[] words)
    {
        var command = $"*{words.Length}\r\n" + string.Concat(words.Select(w => $"${Encoding.UTF8.GetByteCount(w)}\r\n{w}\r\n"));
        await client.GetStream().WriteAsync(Encoding.UTF8.GetBytes(command), cancellationToken);
        var answer = await reader.ReadLineAsync(cancellationToken);
        if (answer != expected)
            throw new InvalidDataException($"{words[0]} was answered by {answer ?? "the end of the connection"}");
    }
}
