using System.Diagnostics;
using System.Text.Json;
using InferenceTemplate.Tests.Shared;

namespace InferenceTemplate.Tests.Worker;

/// <summary>ONNX Runtime sends usage data unless the variable stands in the process's environment before it loads.</summary>
public sealed class TelemetryGuardTests
{
    [Fact]
    public async Task Worker_refuses_to_start_without_the_variable()
    {
        var start = new ProcessStartInfo("dotnet", [Path.Combine(AppContext.BaseDirectory, "InferenceTemplate.Worker.dll")])
        {
            UseShellExecute = false,
            RedirectStandardError = true,
            RedirectStandardOutput = true,
        };
        start.Environment.Remove("ORT_DISABLE_TELEMETRY");
        start.Environment["ConnectionStrings__inference"] = "Host=127.0.0.1;Port=1";
        start.Environment["ConnectionStrings__redis"] = "127.0.0.1:1";
        start.Environment["ASPNETCORE_URLS"] = "http://127.0.0.1:0";

        using var worker = Process.Start(start)!;
        var error = worker.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
        var output = await worker.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
        await worker.WaitForExitAsync(TestContext.Current.CancellationToken);

        Assert.NotEqual(0, worker.ExitCode);
        Assert.Contains("ORT_DISABLE_TELEMETRY=1", output + await error, StringComparison.Ordinal);
    }

    [Fact]
    public void Launch_profile_sets_the_variable()
    {
        using var settings = JsonDocument.Parse(
            File.ReadAllText(Path.Combine(Repository.Root, "Worker", "Properties", "launchSettings.json")));

        foreach (var profile in settings.RootElement.GetProperty("profiles").EnumerateObject())
        {
            Assert.Equal("1", profile.Value.GetProperty("environmentVariables").GetProperty("ORT_DISABLE_TELEMETRY").GetString());
        }
    }

    [Fact]
    public void Container_image_sets_the_variable() => Assert.Contains(
        "<ContainerEnvironmentVariable Include=\"ORT_DISABLE_TELEMETRY\" Value=\"1\" />",
        File.ReadAllText(Path.Combine(Repository.Root, "Worker", "Worker.csproj")),
        StringComparison.Ordinal);
}
