using System.Diagnostics;

namespace Tests.Offline.Redis;

public sealed class RealRedisTests
{
    [Fact]
    public async Task Inference_and_the_stream_tests_compile_against_the_real_library()
    {
        var project = Path.Combine(Offline(), "Tests", "RealRedis", "Inference.RealRedis.csproj");
        using var build = Process.Start(new ProcessStartInfo("dotnet", ["build", project, "-v", "q", "-nologo", "-nodeReuse:false"])
        {
            UseShellExecute = false,
            RedirectStandardOutput = true,
        })!;

        var output = await build.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
        await build.WaitForExitAsync(TestContext.Current.CancellationToken);

        Assert.True(build.ExitCode == 0, output);
    }

    private static string Offline()
    {
        var folder = new DirectoryInfo(AppContext.BaseDirectory);
        while (!File.Exists(Path.Combine(folder.FullName, "Offline.targets")))
        {
            folder = folder.Parent ?? throw new InvalidOperationException($"{AppContext.BaseDirectory} is not below offline/.");
        }

        return folder.FullName;
    }
}
