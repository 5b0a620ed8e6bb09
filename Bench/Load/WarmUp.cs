namespace InferenceTemplate.Bench.Load;

/// <summary>
/// Load until a server is as fast as it gets: the runtime compiles what is hot a second time, with what it has seen, and a server that
/// is measured before that seems slower than it is.
/// </summary>
internal static class WarmUp
{
    private const int Windows = 3;
    private const double Agreement = 0.05;

    /// <summary>Ends once three windows one after the other agree within 5 %, or after the most that the options allow.</summary>
    /// <returns>Whether they agreed.</returns>
    public static async Task<bool> RunAsync(BenchOptions options, Target target, int connections)
    {
        var windows = new List<double>();
        while (windows.Count < options.MaxWarmUpWindows)
        {
            windows.Add((await ClosedLoop.RunAsync(target, connections, options.Round)).PerSecond);
            var last = windows.TakeLast(Windows).ToList();
            if (last.Count == Windows && last.Max() <= last.Min() * (1 + Agreement))
            {
                return true;
            }
        }

        return false;
    }
}
