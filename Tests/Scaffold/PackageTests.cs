using System.IO.Compression;
using InferenceTemplate.Tests.Shared;

namespace InferenceTemplate.Tests.Scaffold;

public sealed class PackageTests(Template template)
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Package_holds_what_git_tracks_and_nothing_else()
    {
        await using var package = await ZipFile.OpenReadAsync(template.Package, Cancellation);
        var packed = package.Entries.Select(entry => Uri.UnescapeDataString(entry.FullName)).Where(name => name.StartsWith("content/", StringComparison.Ordinal)).Select(name => name["content/".Length..]);
        var tracked = (await Commands.RunAsync("git", ["-c", "core.quotepath=off", "ls-files"], Repository.Root, Cancellation))
            .Split('\n', StringSplitOptions.RemoveEmptyEntries)
            .Where(file => !file.StartsWith("pack/", StringComparison.Ordinal) && !file.StartsWith("Tests/Scaffold/", StringComparison.Ordinal) && File.Exists(Path.Combine(Repository.Root, file)));

        Assert.Equal(tracked.Order(StringComparer.Ordinal), packed.Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task Project_from_the_package_is_the_one_from_the_folder()
    {
        var folder = template.Folder("packed");
        var hive = Path.Combine(folder, "hive");
        await Template.InstallAsync(template.Package, hive, Cancellation);
        var said = await Template.NewAsync(hive, HostileName.All[0].Name, Path.Combine(folder, "from it"), Choice.Default, Cancellation);
        var packed = new GeneratedProject(HostileName.All[0], Choice.Default, Path.Combine(folder, "from it"), said);
        var unpacked = await template.NewAsync(HostileName.All[0], Choice.Default);

        Assert.Equal(unpacked.Files, packed.Files);
        Assert.All(unpacked.Texts.Where(each => each.Key != "AppHost/AppHost.csproj"), each => Assert.Equal(each.Value, packed.Texts[each.Key]));
    }

    [Fact]
    public async Task Option_that_does_not_exist_is_refused()
    {
        var folder = template.Folder("refused");
        var hive = Path.Combine(folder, "hive");
        await Template.InstallAsync(Repository.Root, hive, Cancellation);

        var failure = await Assert.ThrowsAsync<InvalidOperationException>(
            () => Commands.RunAsync("dotnet", ["new", "aspire-inference", "-n", "Vision", "-o", Path.Combine(folder, "v"), "--gpu", "moon", "--debug:custom-hive", hive], folder, Cancellation));

        Assert.Contains("'moon' is not a valid value for --gpu", failure.Message, StringComparison.Ordinal);
    }
}
