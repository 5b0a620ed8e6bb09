using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography.X509Certificates;
using InferenceTemplate.Tests.Deploy.Rendering;
using InferenceTemplate.Tests.Shared;

namespace InferenceTemplate.Tests.Deploy;

/// <summary>The chart's own commands with real servers: a certificate that cert-manager renews is shown without a restart.</summary>
public sealed class CertificateTests(Charts charts) : IDisposable
{
    private const string Password = "four-grey-seals-doze-upon-a-rock";

    private readonly CertificateAuthority _authority = new();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public void Dispose() => _authority.Dispose();

    [Fact]
    public async Task Redis_shows_a_certificate_that_was_renewed()
    {
        await using var server = new OwnServer();
        await _authority.IssueAsync(server.Folder, "localhost");
        await _authority.WriteAsync(server.File("ca.crt"));
        var container = (await charts.OfAsync("production tls=true")).Container("redis");
        string[] command = [.. container.Items("command").Concat(container.Items("args")).Select(word => Here(word.ToString(), server)
            .Replace("6379", $"{server.Port}", StringComparison.Ordinal)
            .Replace("redis-cli ", $"redis-cli -p {server.Port} ", StringComparison.Ordinal))];

        await server.StartContainerAsync("Ready to accept connections", [$"REDIS_PASSWORD={Password}"], command);

        await RenewAsync(server, _ => Task.CompletedTask);
    }

    [Fact]
    public async Task Postgres_shows_a_certificate_that_was_renewed()
    {
        await using var server = new OwnServer();
        await server.InitializePostgresAsync(Password);
        await _authority.IssueAsync(server.Folder, "localhost");
        // What the image's own does when there are files: it has the server take its place.
        await File.WriteAllTextAsync(server.File("docker-entrypoint.sh"), "#!/bin/sh\nexec \"$@\"\n", Cancellation);
        if (!OperatingSystem.IsWindows())
        {
            File.SetUnixFileMode(server.File("docker-entrypoint.sh"), UnixFileMode.UserRead | UnixFileMode.UserExecute);
        }

        var container = (await charts.OfAsync("production tls=true")).Container("postgres");
        string[] command = [.. container.Items("command").Concat(container.Items("args")).Select(word => Here(word.ToString(), server))];

        await server.StartContainerAsync(
            "ready to accept connections",
            [$"PATH={server.Folder}:{OwnServer.PostgresPrograms}:{Environment.GetEnvironmentVariable("PATH")}"],
            [
                .. command, "-c", "shared_buffers=16MB", "-c", "max_connections=20", "-D", server.File("data"), "-p", $"{server.Port}",
                "-c", "listen_addresses=localhost", "-c", "unix_socket_directories=",
            ]);

        // Before TLS it wants to be asked: the length of the request, and its code.
        await RenewAsync(server, async stream =>
        {
            await stream.WriteAsync((byte[])[0, 0, 0, 8, 4, 210, 22, 47], Cancellation);
            var answer = new byte[1];
            await stream.ReadExactlyAsync(answer, Cancellation);
            Assert.Equal((byte)'S', answer[0]);
        });
    }

    private async Task RenewAsync(OwnServer server, Func<NetworkStream, Task> ask)
    {
        var first = await ShownAsync(server.Port, ask);

        await _authority.IssueAsync(server.Folder, "localhost");

        await Wait.UntilAsync(async () => await ShownAsync(server.Port, ask) != first, awaited: "the renewed certificate");
    }

    private async Task<string> ShownAsync(int port, Func<NetworkStream, Task> ask)
    {
        using var client = new TcpClient();
        await client.ConnectAsync("localhost", port, Cancellation);
        await ask(client.GetStream());
        await using var tls = new SslStream(client.GetStream());
        await tls.AuthenticateAsClientAsync(
            new SslClientAuthenticationOptions
            {
                TargetHost = "localhost",
                CertificateChainPolicy = new()
                {
                    TrustMode = X509ChainTrustMode.CustomRootTrust,
                    CustomTrustStore = { _authority.Certificate },
                    RevocationMode = X509RevocationMode.NoCheck,
                },
            },
            Cancellation);
        return tls.RemoteCertificate!.GetSerialNumberString();
    }

    // Where the certificates are, and a second instead of an hour.
    private static string Here(string word, OwnServer server)
    {
        Assert.DoesNotContain("sleep 1;", word, StringComparison.Ordinal);
        return word.Replace("/tls/", $"{server.Folder}/", StringComparison.Ordinal)
            .Replace("sleep 3600", "sleep 1", StringComparison.Ordinal);
    }
}
