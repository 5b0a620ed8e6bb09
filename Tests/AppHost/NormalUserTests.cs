using System.Diagnostics;
using System.Net;
using System.Net.Http.Headers;
using System.Reflection;
using System.Runtime.Versioning;
using InferenceTemplate.Tests.Shared;

namespace InferenceTemplate.Tests.AppHost;

/// <summary>The platform as one who is not root starts it, on a machine where root has started it before.</summary>
[UnsupportedOSPlatform("windows")]
public sealed class NormalUserTests : IDisposable
{
    // nobody, everywhere.
    private const string User = "65534";

    // What was built refers to packages in root's home: the capability has it read them, where a user has packages of his own.
    private static readonly string[] s_become =
    [
        "--reuid", User, "--regid", User, "--clear-groups", "--inh-caps", "+dac_read_search", "--ambient-caps", "+dac_read_search", "--",
    ];

    private readonly string _folder = Directory.CreateTempSubdirectory("inference-user-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    // By day StartAndStopTests show it where they run as a normal user, and LocalServerTests that Postgres is nobody's but its own.
    [Fact, Trait("Tier", "Nightly")]
    public async Task Platform_of_a_normal_user_gets_ready_answers_and_leaves_nothing()
    {
        Machine.RequireProcessesOfLinux();
        Assert.SkipUnless(Environment.IsPrivilegedProcess, "These tests run as a normal user already: StartAndStopTests show it.");
        Assert.SkipUnless(
            await CommandAsync("setpriv", [.. s_become, "true"]) == 0, "Needs setpriv, and the right to become another user.");
        var data = Directory.CreateDirectory(Path.Combine(_folder, $"data-{Guid.NewGuid():N}")).FullName;
        var home = Directory.CreateDirectory(Path.Combine(_folder, "home")).FullName;
        var orchestrator = await ReachableAsync("dcpclipath", "orchestrator");
        var dashboard = await ReachableAsync("aspiredashboardpath", "dashboard");
        await CommandAsync("chown", "-R", User, _folder);

        await using var host = HostProcess.Start(data, start =>
        {
            // Which becomes the AppHost itself, so that it gets the signals.
            string[] command = [.. s_become, start.FileName, .. start.ArgumentList];
            start.FileName = "setpriv";
            start.ArgumentList.Clear();
            foreach (var argument in command)
            {
                start.ArgumentList.Add(argument);
            }

            start.Environment["HOME"] = home;
            start.Environment["DcpPublisher__CliPath"] = orchestrator;
            start.Environment["DcpPublisher__DashboardPath"] = dashboard;
        });
        await host.WroteAsync("\nReady.");
        Assert.NotEmpty(host.Children());
        Assert.All(host.Children(), child => Assert.Equal(User, child.User));
        using var client = new HttpClient { BaseAddress = new Uri(host.Shown("API ")) };
        client.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", HostProcess.AdminKey);
        using var models = await client.GetAsync("/v1/models", TestContext.Current.CancellationToken);
        Assert.Equal(HttpStatusCode.OK, models.StatusCode);
        using var answer = await client.PostAsync(
            "/v2/models/digits/infer", Digits.Request([Digits.HeldOut[0].Pixels]), TestContext.Current.CancellationToken);
        Assert.True(answer.StatusCode == HttpStatusCode.OK, await answer.Content.ReadAsStringAsync(TestContext.Current.CancellationToken));

        host.Interrupt();
        Assert.Equal(0, await host.EndedAsync());
        Assert.Empty(host.Children());
    }

    /// <summary>A copy of a package's program, which only its owner may run.</summary>
    private async Task<string> ReachableAsync(string metadata, string name)
    {
        var program = typeof(Projects.AppHost).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>()
            .Single(each => each.Key == metadata).Value!;
        var copy = Path.Combine(_folder, name);
        Assert.Equal(0, await CommandAsync("cp", "-r", Path.GetDirectoryName(program)!, copy));
        return Path.Combine(copy, Path.GetFileName(program));
    }

    private static async Task<int> CommandAsync(string program, params string[] arguments)
    {
        using var command = Process.Start(
            new ProcessStartInfo(program, arguments)
            {
                UseShellExecute = false,
                RedirectStandardOutput = true,
                RedirectStandardError = true,
                WorkingDirectory = "/",
            })!;
        await command.WaitForExitAsync(TestContext.Current.CancellationToken);
        return command.ExitCode;
    }
}
