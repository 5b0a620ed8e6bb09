using System.Diagnostics;
using InferenceTemplate.Tests.Deploy.Scripts;
using InferenceTemplate.Tests.Shared;

namespace InferenceTemplate.Tests.Deploy.Images;

/// <summary>A real container registry on a free port, with data of its own.</summary>
internal sealed class Registry : IAsyncDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("registry-");
    private readonly Process _process;

    private Registry(int port)
    {
        Host = $"127.0.0.1:{port}";
        Client = new HttpClient { BaseAddress = new Uri($"http://{Host}") };
        var configuration = Path.Combine(_folder.FullName, "config.yml");
        File.WriteAllText(configuration, $$"""
            version: 0.1
            log: { level: error }
            storage: { filesystem: { rootdirectory: {{_folder.FullName}}/data } }
            http: { addr: {{Host}} }
            """);
        _process = Process.Start(new ProcessStartInfo("docker-registry", ["serve", configuration])
        {
            UseShellExecute = false,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        })!;
    }

    public string Host { get; }

    public HttpClient Client { get; }

    /// <summary>Starts one, or skips the test where there is none to start.</summary>
    public static async Task<Registry> StartAsync(CancellationToken cancellationToken)
    {
        Assert.SkipUnless(Tool.Find("docker-registry") is not null, "docker-registry is missing (Debian: apt-get install docker-registry)");
        var registry = new Registry(Ports.Free());
        while (true)
        {
            try
            {
                await registry.Client.GetAsync(new Uri("/v2/", UriKind.Relative), cancellationToken);
                return registry;
            }
            catch (HttpRequestException)
            {
                Assert.False(registry._process.HasExited, "docker-registry did not start");
                await Task.Delay(50, cancellationToken);
            }
        }
    }

    public async ValueTask DisposeAsync()
    {
        Client.Dispose();
        _process.Kill();
        await _process.WaitForExitAsync();
        _process.Dispose();
        _folder.Delete(recursive: true);
    }
}
