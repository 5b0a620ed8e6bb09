using System.Net;
using System.Text;
using InferenceTemplate.Tests.Shared;

namespace InferenceTemplate.Tests.Deploy.Scripts;

public sealed class CanaryTests : IDisposable
{
    private const string Image = "example.com/inference/api@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

    // 'get' answers with a Deployment, 'apply' keeps what it was given.
    private const string Cluster = """
        case "$*" in
          *"get deployment api-deployment -o json"*)
            echo '{"metadata":{"name":"api-deployment","uid":"1","labels":{"app.kubernetes.io/component":"api"}},"spec":{"replicas":3,
              "selector":{"matchLabels":{"app.kubernetes.io/component":"api"}},"template":{"metadata":{"labels":{"app.kubernetes.io/component":"api"}},
              "spec":{"containers":[{"name":"api","image":"old"}]}}},"status":{"replicas":3}}' ;;
          *"apply -f -"*) cat > "$APPLIED" ;;
        esac
        """;

    private readonly Commands _commands = new();
    private readonly string _applied = Path.GetTempFileName();

    public void Dispose()
    {
        _commands.Dispose();
        File.Delete(_applied);
    }

    [Fact]
    public async Task Canary_with_good_metrics_is_rolled_out_to_all()
    {
        await using var prometheus = new Prometheus(requests: 500, errorRate: 0.001, p95: 0.1);

        var result = await RunAsync(prometheus);

        Assert.True(result.ExitCode == 0, result.All);
        Assert.Contains(_commands.Calls, c => c.EndsWith($"set image deployment/api-deployment api={Image}", StringComparison.Ordinal));
        Assert.Contains(_commands.Calls, c => c.Contains("delete deployment api-canary", StringComparison.Ordinal));
        var canary = await File.ReadAllTextAsync(_applied, TestContext.Current.CancellationToken);
        Assert.Contains(Image, canary, StringComparison.Ordinal);
        Assert.Contains("\"track\": \"canary\"", canary, StringComparison.Ordinal);
        Assert.DoesNotContain("uid", canary, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(500, 0.2, 0.1, "error rate 0.2 is above 0.01")]
    [InlineData(500, 0.0, 2.5, "p95 of 2.5 s is above 0.5 s")]
    [InlineData(3, 0.0, 0.1, "had 3 requests of the 50")]
    public async Task Canary_with_bad_metrics_is_removed(double requests, double errorRate, double p95, string reason)
    {
        await using var prometheus = new Prometheus(requests, errorRate, p95);

        var result = await RunAsync(prometheus);

        Assert.Equal(1, result.ExitCode);
        Assert.Contains(reason, result.Errors, StringComparison.Ordinal);
        Assert.Contains(_commands.Calls, c => c.Contains("delete deployment api-canary", StringComparison.Ordinal));
        Assert.DoesNotContain(_commands.Calls, c => c.Contains("set image", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("example.com/api:latest")]
    [InlineData("api")]
    public async Task Canary_refuses_an_image_that_may_change(string image)
    {
        var result = await _commands.With("kubectl").RunAsync("canary.sh", ["api", image], ("PROMETHEUS_URL", "http://localhost:1"));

        Assert.Equal(1, result.ExitCode);
        Assert.Contains($"'{image}'", result.Errors, StringComparison.Ordinal);
        Assert.Empty(_commands.Calls);
    }

    [Fact]
    public async Task Canary_is_removed_when_prometheus_does_not_answer()
    {
        var result = await _commands.With("kubectl", Cluster).RunAsync(
            "canary.sh", ["api", Image],
            ("PROMETHEUS_URL", "http://localhost:1"), ("CANARY_CHECKS", "1"), ("CANARY_INTERVAL", "0"), ("APPLIED", _applied));

        Assert.NotEqual(0, result.ExitCode);
        Assert.Contains(_commands.Calls, c => c.Contains("delete deployment api-canary", StringComparison.Ordinal));
        Assert.DoesNotContain(_commands.Calls, c => c.Contains("set image", StringComparison.Ordinal));
    }

    private Task<ToolResult> RunAsync(Prometheus prometheus) => _commands.With("kubectl", Cluster).RunAsync(
        "canary.sh", ["api", Image],
        ("PROMETHEUS_URL", prometheus.Address), ("CANARY_CHECKS", "2"), ("CANARY_INTERVAL", "0"), ("APPLIED", _applied));

    /// <summary>Answers the gate's three questions with given numbers, in the form of Prometheus' HTTP API.</summary>
    private sealed class Prometheus : IAsyncDisposable
    {
        private readonly HttpListener _listener = new();
        private readonly Task _serving;

        public Prometheus(double requests, double errorRate, double p95)
        {
            var port = Ports.Free();
            Address = $"http://localhost:{port}";
            _listener.Prefixes.Add($"{Address}/");
            _listener.Start();
            _serving = ServeAsync(query => query switch
            {
                _ when query.StartsWith("histogram_quantile", StringComparison.Ordinal) => p95,
                _ when query.Contains("5..", StringComparison.Ordinal) => errorRate,
                _ => requests,
            });
        }

        public string Address { get; }

        public async ValueTask DisposeAsync()
        {
            _listener.Stop();
            await _serving;
            _listener.Close();
        }

        private async Task ServeAsync(Func<string, double> answer)
        {
            try
            {
                while (_listener.IsListening)
                {
                    var context = await _listener.GetContextAsync();
                    var value = answer(context.Request.QueryString["query"] ?? "")
                        .ToString(System.Globalization.CultureInfo.InvariantCulture);
                    var body =
                        $$$"""{"status":"success","data":{"resultType":"vector","result":[{"metric":{},"value":[1,"{{{value}}}"]}]}}""";
                    await context.Response.OutputStream.WriteAsync(Encoding.UTF8.GetBytes(body));
                    context.Response.Close();
                }
            }
            catch (Exception exception) when (exception is HttpListenerException or ObjectDisposedException)
            {
                // Stopped.
            }
        }
    }
}
