using System.Diagnostics;

namespace InferenceTemplate.Tests.Shared;

/// <summary>A real S3-compatible server (npm s3rver) with one bucket, on a free port; its data goes with it.</summary>
public sealed class S3Server : IAsyncDisposable
{
    public const string Bucket = "models";
    public const string AccessKey = "S3RVER";
    public const string SecretKey = "S3RVER";

    private static readonly string Program = Path.Combine(Repository.Root, "Tests", "Shared", "node_modules", "s3rver", "bin", "s3rver.js");

    private readonly string _data = Directory.CreateTempSubdirectory("inference-s3-").FullName;
    private readonly Process _process;

    private S3Server(int port)
    {
        Endpoint = $"http://127.0.0.1:{port}";
        _process = Process.Start(
            new ProcessStartInfo("node", [Program, "-d", _data, "-a", "127.0.0.1", "-p", $"{port}", "-s", "--configure-bucket", Bucket])
            {
                UseShellExecute = false,
            })!;
    }

    public string Endpoint { get; }

    /// <summary>Skips the running test where the server is not installed.</summary>
    public static void SkipUnlessInstalled() =>
        Assert.SkipUnless(File.Exists(Program),
            "Needs an S3 server: 'npm install --prefix Tests/Shared --no-save s3rver@3.7.1', which ./test does where npm is.");

    public static async Task<S3Server> StartAsync(CancellationToken cancellationToken)
    {
        var server = new S3Server(Ports.Free());
        using var client = new HttpClient();
        var wait = Wait.For("the S3 server to answer");
        while (true)
        {
            try
            {
                await client.GetAsync(server.Endpoint, cancellationToken);
                return server;
            }
            catch (HttpRequestException) when (!server._process.HasExited)
            {
                await wait.PauseAsync();
            }
        }
    }

    public async ValueTask DisposeAsync()
    {
        _process.Kill();
        await _process.WaitForExitAsync();
        _process.Dispose();
        Directory.Delete(_data, recursive: true);
    }
}
