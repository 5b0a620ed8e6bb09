using System.Globalization;

namespace InferenceTemplate.Bench;

/// <summary>How long and how often parts measure.</summary>
internal sealed record BenchOptions(bool Quick, string? Json, IReadOnlyList<string> Parts, double Minutes, int Seed)
{
    public int Rounds => Quick ? 2 : 3;

    public TimeSpan Round => TimeSpan.FromSeconds(Quick ? 1 : 2);

    /// <summary>Rounds that a server has to come to its speed.</summary>
    public int MaxWarmUpWindows => Quick ? 10 : 20;

    public TimeSpan WarmUp => TimeSpan.FromSeconds(Quick ? 3 : 6);

    public static BenchOptions Parse(string[] args)
    {
        var parts = new List<string>();
        var quick = false;
        string? json = null;
        var minutes = 5.0;
        var seed = Random.Shared.Next(1000);
        for (var i = 0; i < args.Length; i++)
        {
            switch (args[i])
            {
                case "--quick":
                    quick = true;
                    break;
                case "--json":
                    json = args[++i];
                    break;
                case "--minutes":
                    minutes = double.Parse(args[++i], CultureInfo.InvariantCulture);
                    break;
                case "--seed":
                    seed = int.Parse(args[++i], CultureInfo.InvariantCulture);
                    break;
                default:
                    parts.Add(args[i]);
                    break;
            }
        }

        return new BenchOptions(quick, json, parts, minutes, seed);
    }
}
