using System.Reflection;

namespace Tests.Offline.Surface;

/// <summary>
/// A stand-in may offer only what the real package offers. <c>offline/Tests/Surface/ID.txt</c> lists the members that the stand-in of
/// package ID has, each of them looked up in the real package. After adding a member, and looking it up, write the lists anew:
/// <code>SURFACE_WRITE=1 dotnet test offline/Tests --filter FullyQualifiedName~SurfaceTests</code>
/// </summary>
public sealed class SurfaceTests
{
    private static readonly string s_root = Root();

    public static TheoryData<string> StandIns() =>
        new(Directory.GetDirectories(Path.Combine(s_root, "offline")).Select(directory => Path.GetFileName(directory)!).Where(IsStandIn));

    [Theory]
    [MemberData(nameof(StandIns))]
    public void StandIn_offers_only_what_its_list_names(string id)
    {
        var offered = PublicSurface.Of(Load(id));
        if (Environment.GetEnvironmentVariable("SURFACE_WRITE") == "1") File.WriteAllLines(ListOf(id), offered);

        Assert.True(File.Exists(ListOf(id)), $"{ListOf(id)} is missing: look the members of the stand-in up, then write it (see this class).");
        Assert.Empty(offered.Except(File.ReadLines(ListOf(id))));
    }

    [Theory]
    [MemberData(nameof(StandIns))]
    public void List_names_only_what_the_real_package_offers(string id)
    {
        var listings = Path.Combine(s_root, "..", "shared", "reference", "api");
        var listing = Directory.Exists(listings) ? Array.Find(Directory.GetFiles(listings, "*.txt"), file => IsListingOf(id, file)) : null;
        if (listing is null) Assert.Skip($"No listing of the real {id} in {listings}.");

        // A property that is settable in the real package may be read-only in the stand-in.
        var real = File.ReadLines(listing).SelectMany(line => new[] { line, line.EndsWith(" set", StringComparison.Ordinal) ? line[..^4] : line });
        Assert.Empty(File.ReadLines(ListOf(id)).Except(real));
    }

    // Not the tools. What has no central version has a list: Aspire.Hosting, for one, comes with its SDK.
    private static bool IsStandIn(string folder) => File.Exists(ListOf(folder))
        || File.ReadAllText(Path.Combine(s_root, "Directory.Packages.props")).Contains($"Include=\"{folder}\"", StringComparison.Ordinal);

    private static bool IsListingOf(string id, string file)
    {
        // The managed assembly is the same with and without CUDA.
        var package = id == "Microsoft.ML.OnnxRuntime.Gpu" ? "Microsoft.ML.OnnxRuntime" : id;
        var name = Path.GetFileNameWithoutExtension(file);
        return name == package || (name.StartsWith(package + "-", StringComparison.Ordinal) && char.IsAsciiDigit(name[package.Length + 1]));
    }

    private static string ListOf(string id) => Path.Combine(s_root, "offline", "Tests", "Surface", id + ".txt");

    private static Assembly Load(string id) => Assembly.LoadFrom(Path.Combine(AppContext.BaseDirectory, id + ".dll"));

    private static string Root()
    {
        var directory = new DirectoryInfo(AppContext.BaseDirectory);
        while (directory is not null && !File.Exists(Path.Combine(directory.FullName, "Directory.Packages.props"))) directory = directory.Parent;
        return directory?.FullName ?? throw new InvalidOperationException("The tests do not run below the repository.");
    }
}
