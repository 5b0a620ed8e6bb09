using System.IO.Compression;
using InferenceTemplate.Tests.Scaffold.Rules;
using InferenceTemplate.Tests.Shared;

namespace InferenceTemplate.Tests.Scaffold;

[Trait("Tier", "Nightly")]
public sealed class PackageTests(Template template)
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Package_holds_what_git_tracks_and_makes_the_project_that_the_folder_makes()
    {
        var folder = template.Folder("packed");
        await Commands.RunAsync(
            "dotnet",
            ["pack", Path.Combine(Repository.Root, "pack", "Template.Package.csproj"), "-o", folder, "-v", "quiet", "--nologo"],
            folder,
            Cancellation);
        var file = Assert.Single(Directory.GetFiles(folder, "*.nupkg"));
        await using var package = await ZipFile.OpenReadAsync(file, Cancellation);
        var packed = package.Entries.Select(entry => Uri.UnescapeDataString(entry.FullName))
            .Where(name => name.StartsWith("content/", StringComparison.Ordinal)).Select(name => name["content/".Length..]);
        string[] own = ["pack/", "Bench/", "Tests/Scaffold/"];
        var tracked = (await Commands.RunAsync("git", ["-c", "core.quotepath=off", "ls-files"], Repository.Root, Cancellation))
            .Split('\n', StringSplitOptions.RemoveEmptyEntries)
            .Where(name => !own.Any(part => name.StartsWith(part, StringComparison.Ordinal)))
            .Where(name => File.Exists(Path.Combine(Repository.Root, name)));
        Assert.Equal(tracked.Order(StringComparer.Ordinal), packed.Order(StringComparer.Ordinal));

        var hive = Path.Combine(folder, "hive");
        await Template.InstallAsync(file, hive, Cancellation);
        var said = await Template.NewAsync(hive, "Vision", Path.Combine(folder, "from it"), [], Cancellation);
        var fromPackage = new GeneratedProject(HostileName.All[0], Choice.Default, Path.Combine(folder, "from it"), said);
        var fromFolder = await template.NewAsync(HostileName.All[0], Choice.Default);
        Assert.Equal(fromFolder.Files, fromPackage.Files);
        Assert.All(fromFolder.Texts, each => Assert.Equal(Names.Neutral(each.Value), Names.Neutral(fromPackage.Texts[each.Key])));
    }
}
