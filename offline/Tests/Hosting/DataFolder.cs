using System.Text.RegularExpressions;

namespace Tests.Offline.Hosting;

/// <summary>A data directory that only its owner enters, as those of fresh clones in temporary folders are.</summary>
internal sealed partial class DataFolder : IDisposable
{
    public string Path { get; } = Directory.CreateTempSubdirectory("offline-test-").FullName;

    /// <summary>The processes that were started here: they have the lock of the children open.</summary>
    public List<int> Processes()
    {
        var found = new List<int>();
        foreach (var process in Directory.GetDirectories("/proc").Where(d => Number().IsMatch(d)))
        {
            try
            {
                if (Directory.GetFiles(System.IO.Path.Combine(process, "fd"))
                    .Any(fd => File.ResolveLinkTarget(fd, false)?.FullName == System.IO.Path.Combine(Path, ".children.lock")))
                {
                    found.Add(int.Parse(System.IO.Path.GetFileName(process)));
                }
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                // It has just ended, or belongs to another user.
            }
        }

        return found;
    }

    public async Task WaitUntilNothingRunsAsync()
    {
        for (var left = Processes(); left.Count > 0; left = Processes())
        {
            await Task.Delay(100, TestContext.Current.CancellationToken);
        }
    }

    public void Dispose() => Directory.Delete(Path, recursive: true);

    [GeneratedRegex(@"/\d+$", RegexOptions.None, 1000)]
    private static partial Regex Number();
}
