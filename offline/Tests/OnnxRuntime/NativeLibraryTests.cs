using System.Diagnostics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Versioning;

namespace Tests.Offline.OnnxRuntime;

/// <summary>The build's restore of the native library, with an npm that does what each test wants.</summary>
[SupportedOSPlatform("linux")]
public sealed class NativeLibraryTests : IDisposable
{
    private readonly DirectoryInfo work = Directory.CreateTempSubdirectory("onnxruntime-restore-");

    private string Kept => Path.Combine(work.FullName, "kept") + "/";

    public void Dispose() => work.Delete(recursive: true);

    [Fact]
    public async Task Restore_says_what_to_install_when_npm_is_absent()
    {
        var (exitCode, output) = await Restore(path: NoNpm());
        Assert.NotEqual(0, exitCode);
        Assert.Contains("error ORT002: npm is not on the PATH", output);
        Assert.Contains("apt-get install npm", output);
        Assert.Contains(Kept + "libonnxruntime.so.1", output);
    }

    [Fact]
    public async Task Restore_says_which_command_failed_and_what_it_printed()
    {
        var (exitCode, output) = await Restore(Npm("echo 'no such package' >&2; exit 7"));
        Assert.NotEqual(0, exitCode);
        Assert.Contains("no such package", output);
        Assert.Contains("error ORT003: `npm pack onnxruntime-node@1.30.0 --ignore-scripts --loglevel=error` failed with exit code 7", output);
        Assert.Empty(Directory.GetFileSystemEntries(Kept));
    }

    [Fact]
    public async Task Restore_refuses_a_package_that_lacks_the_library()
    {
        var (exitCode, output) = await Restore(Npm("mkdir package && touch package/other && tar -czf p.tgz package"));
        Assert.NotEqual(0, exitCode);
        Assert.Contains("ORT004", output);
        Assert.Empty(Directory.GetFileSystemEntries(Kept));
    }

    [Fact]
    public async Task Restore_refuses_a_library_that_is_not_the_published_one()
    {
        var (exitCode, output) = await Restore(Npm(Pack("/etc/hostname")));
        Assert.NotEqual(0, exitCode);
        Assert.Contains("ORT005", output);
        Assert.Empty(Directory.GetFileSystemEntries(Kept));
    }

    [Fact]
    public async Task Restores_at_the_same_time_leave_one_whole_library()
    {
        var npm = Npm(Pack(Path.Combine(AppContext.BaseDirectory, "libonnxruntime.so.1")));

        var results = await Task.WhenAll(Restore(npm), Restore(npm));

        Assert.All(results, result => Assert.Equal((0, ""), (result.ExitCode, result.ExitCode == 0 ? "" : result.Output)));
        var kept = Assert.Single(Directory.GetFileSystemEntries(Kept));
        Assert.Equal(new FileInfo(Path.Combine(AppContext.BaseDirectory, "libonnxruntime.so.1")).Length, new FileInfo(kept).Length);
        var (again, _) = await Restore(path: NoNpm()); // It is there: npm is not needed any more.
        Assert.Equal(0, again);
    }

    private static string Pack(string file) => $"""
        for cpu in x64 arm64; do mkdir -p package/bin/napi-v6/linux/$cpu && cp '{file}' package/bin/napi-v6/linux/$cpu/libonnxruntime.so.1; done
        tar -c package | gzip -1 > p.tgz && rm -r package
        """;

    private string NoNpm()
    {
        var bin = work.CreateSubdirectory("bin").FullName;
        File.CreateSymbolicLink(Path.Combine(bin, "sh"), "/bin/sh"); // MSBuild's Exec needs it.
        return bin;
    }

    private string Npm(string script)
    {
        var npm = Path.Combine(work.FullName, "npm");
        File.WriteAllText(npm, "#!/bin/sh\n" + script + "\n");
        File.SetUnixFileMode(npm, UnixFileMode.UserRead | UnixFileMode.UserExecute);
        return work.FullName + ":/usr/bin:/bin";
    }

    private async Task<(int ExitCode, string Output)> Restore(string path, [CallerFilePath] string here = "")
    {
        var project = Path.GetFullPath("../../Microsoft.ML.OnnxRuntime.Gpu/Microsoft.ML.OnnxRuntime.Gpu.csproj", Path.GetDirectoryName(here)!);
        var dotnet = Path.GetFullPath("../../../dotnet", RuntimeEnvironment.GetRuntimeDirectory()); // PATH is not for finding it.
        var start = new ProcessStartInfo(dotnet)
        {
            ArgumentList = { "msbuild", project, "-nologo", "-t:RestoreOnnxRuntimeNative", "-p:OnnxRuntimeNativeFolder=" + Kept, "-nodeReuse:false" },
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            UseShellExecute = false,
        };
        start.Environment["PATH"] = path;
        using var process = Process.Start(start)!;
        var output = await process.StandardOutput.ReadToEndAsync();
        await process.WaitForExitAsync();
        return (process.ExitCode, output);
    }
}
