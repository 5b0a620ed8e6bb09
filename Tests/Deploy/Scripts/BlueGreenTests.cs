namespace InferenceTemplate.Tests.Deploy.Scripts;

public sealed class BlueGreenTests : IDisposable
{
    private const string Image = "example.com/inference/api:1.4.0";

    private const string Cluster = """
        deployment() {
          printf '{"metadata":{"name":"%s","annotations":{"deployment.kubernetes.io/revision":"2"}},"spec":{"selector":{"matchLabels":{"app.kubernetes.io/component":"api"}},
            "template":{"metadata":{"labels":{"app.kubernetes.io/component":"api"}},"spec":{"containers":[{"name":"api","image":"old"}]}}},"status":{"replicas":4}}' "$1"
        }
        set_of() {
          printf '{"metadata":{"ownerReferences":[{"kind":"Deployment","name":"%s"}],"annotations":{"deployment.kubernetes.io/revision":"%s"},"labels":{"pod-template-hash":"%s"}}}' "$1" "$2" "$3"
        }
        case "$*" in
          *"readyReplicas"*) printf '%s' "${GREEN_READY:-}" ;;
          *"jsonpath={.spec.template.spec.containers"*) printf 'example.com/inference/api:1.4.0' ;;
          *"get deployment api-deployment -o json"*) deployment api-deployment ;;
          *"get deployment api-green -o json"*) deployment api-green ;;
          *"get replicaset -o json"*) printf '{"items":[%s,%s,%s]}' "$(set_of api-deployment 1 blueold)" "$(set_of api-deployment 2 bluenew)" "$(set_of api-green 2 green1)" ;;
          *"apply -f -"*) cat > "$APPLIED" ;;
          *"rollout status deployment api-green"*) exit "${GREEN_STATUS:-0}" ;;
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
    public async Task Start_keeps_callers_on_blue_and_gives_green_as_many_pods()
    {
        var result = await RunAsync(["start", "api", Image]);

        Assert.True(result.ExitCode == 0, result.All);
        var calls = _commands.Calls.ToList();
        var pinned = calls.FindIndex(c => c.Contains("patch service api-service", StringComparison.Ordinal));
        var started = calls.FindIndex(c => c.Contains("apply -f -", StringComparison.Ordinal));
        Assert.InRange(pinned, 0, started);
        Assert.Contains("\"pod-template-hash\":\"bluenew\"", calls[pinned], StringComparison.Ordinal);
        var green = await File.ReadAllTextAsync(_applied, TestContext.Current.CancellationToken);
        Assert.Contains("\"replicas\": 4", green, StringComparison.Ordinal);
        Assert.Contains(Image, green, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Start_removes_green_and_frees_the_service_when_green_does_not_become_ready()
    {
        var result = await RunAsync(["start", "api", Image], ("GREEN_STATUS", "1"));

        Assert.Equal(1, result.ExitCode);
        Assert.Contains(_commands.Calls, c => c.Contains("delete deployment api-green", StringComparison.Ordinal));
        Assert.Contains("\"pod-template-hash\":null", _commands.Calls[^1], StringComparison.Ordinal);
    }

    [Fact]
    public async Task Switch_sends_all_callers_to_green_and_back_again()
    {
        await RunAsync(["switch", "api"], ("GREEN_READY", "4"));
        var there = _commands.Calls[^1];
        await RunAsync(["back", "api"]);

        Assert.Contains("\"pod-template-hash\":\"green1\"", there, StringComparison.Ordinal);
        Assert.Contains("\"pod-template-hash\":\"bluenew\"", _commands.Calls[^1], StringComparison.Ordinal);
    }

    [Fact]
    public async Task Switch_refuses_a_green_without_ready_pods()
    {
        var result = await RunAsync(["switch", "api"]);

        Assert.Equal(1, result.ExitCode);
        Assert.Contains("no ready pods", result.Errors, StringComparison.Ordinal);
        Assert.DoesNotContain(_commands.Calls, c => c.Contains("patch service", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Finish_frees_the_service_only_once_blue_has_the_new_image()
    {
        var result = await RunAsync(["finish", "api"]);

        Assert.True(result.ExitCode == 0, result.All);
        var calls = _commands.Calls.ToList();
        var ready = calls.FindIndex(c => c.Contains("rollout status deployment api-deployment", StringComparison.Ordinal));
        var freed = calls.FindIndex(c => c.Contains("\"pod-template-hash\":null", StringComparison.Ordinal));
        var removed = calls.FindIndex(c => c.Contains("delete deployment api-green", StringComparison.Ordinal));
        Assert.True(ready >= 0 && ready < freed && freed < removed, string.Join('\n', calls));
    }

    private Task<ToolResult> RunAsync(string[] arguments, params (string, string)[] environment) =>
        _commands.With("kubectl", Cluster).RunAsync("blue-green.sh", arguments, [("APPLIED", _applied), .. environment]);
}
